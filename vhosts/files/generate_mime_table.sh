#!/bin/sh
# Prints the rows of mime.cc's table, sorted by extension: {"html", "text/html; charset=utf-8"},
# usage: generate_mime_table.sh /etc/mime.types
set -eu
export LC_ALL=C

awk '
  function row(extension, type) {
    extension = tolower(extension)
    if (extension in seen) return
    seen[extension] = 1
    # Browsers take another charset from a page only if the head names none, but text without any
    # is read as windows-1252 by them, and hardly a file has that today.
    if (type ~ /^text\//) type = type "; charset=utf-8"
    printf "{\"%s\", \"%s\"},\n", extension, type
  }
  # What the web stands on does not depend on the version of a package. Rows that come first win.
  # "mid", "rss" and "ts" mean something else there that hardly a site has; "ts" would even be text.
  BEGIN {
    row("3gp", "video/3gpp")
    row("avif", "image/avif")
    row("css", "text/css")
    row("htm", "text/html")
    row("html", "text/html")
    row("ico", "image/vnd.microsoft.icon")
    row("js", "text/javascript")
    row("json", "application/json")
    row("map", "application/json")
    row("md", "text/markdown")
    row("mid", "audio/midi")
    row("midi", "audio/midi")
    row("mjs", "text/javascript")
    row("rss", "application/rss+xml")
    row("svg", "image/svg+xml")
    row("svgz", "image/svg+xml")
    row("ts", "video/mp2t")
    row("txt", "text/plain")
    row("wasm", "application/wasm")
    row("webmanifest", "application/manifest+json")
    row("webp", "image/webp")
    row("woff", "font/woff")
    row("woff2", "font/woff2")
    row("xml", "application/xml")
    row("yaml", "application/yaml")
    row("yml", "application/yaml")
  }
  /^[ \t]*(#|$)/ { next }
  # Only what is safe inside a string literal, and a last extension: "tar.gz" is found by "gz".
  $1 ~ /^[A-Za-z0-9.+_-]+\/[A-Za-z0-9.+_-]+$/ {
    for (i = 2; i <= NF; i++)
      if ($i ~ /^[A-Za-z0-9+_-]+$/ && length($i) <= 31) row($i, $1)
  }
' "$1" | sort -t '"' -k 2,2
