// What all pages that this server makes itself look like: one style, light or dark as the reader
// likes it, no script, nothing to be fetched.
//
//   before_title TITLE before_style style [more style] before_content CONTENT after_content
#pragma once

#include <string_view>

namespace perchild::pages {

inline constexpr std::string_view before_title =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
inline constexpr std::string_view before_style = "</title>\n<style>";
inline constexpr std::string_view style =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--paper:#fff;--line:#dfe3e8;"
    "--link:#0a58ca}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a0a8b1;--paper:#16181b;"
    "--line:#33383e;--link:#8ab4f8}}"
    "body{margin:0;padding:0 1.5rem;background:var(--paper);color:var(--ink);"
    "font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:34rem;margin:18vh auto 3rem}p{margin:0;color:var(--soft)}"
    "h1{margin:0 0 .5rem;font-size:1.75rem;line-height:1.25;font-weight:600}"
    "p.code{font-variant-numeric:tabular-nums;letter-spacing:.08em}";
inline constexpr std::string_view before_content = "</style>\n</head>\n<body>\n<main>\n";
inline constexpr std::string_view after_content = "</main>\n</body>\n</html>\n";

}  // namespace perchild::pages
