// Applications that are known by name: "app": "wordpress" stands for the rules that its makers
// recommend to whoever runs a web server for it.
#pragma once

#include <cstdint>
#include <optional>

#include "policy/configuration_content.h"

namespace perchild {

// Whether "app" of `object`, a vhost, is a name, and not a program that is to be started.
bool has_preset(JsonValue object);

// Bytes of a request, where nothing else is said: they take uploads, and PHP is told the same.
inline constexpr std::uint64_t body_of_presets = 64ULL * 1024 * 1024;

// The rules that "app" of `object` stands for, PHP among them unless `object` or what it inherits,
// `content`, says something of that itself. Nullopt if it has none.
std::optional<Content> read_preset(Report& report, JsonValue object, const Content& content,
                                   OperatorsPart& operators);

// The folder with the rest of an application of this name, beside which only its docroot is for
// visitors, as Composer lays projects out: /srv/a of the root /srv/a/public, with /srv/a/vendor.
// Nullopt if it is laid out in another way, or not all this user's own.
std::optional<std::string> project_of_preset(std::string_view app, std::string_view root, Uid owner,
                                             SystemView& system);

// What the preset says of locations, below what the vhost says of the same ones.
void add_locations_of_preset(Content& content, std::vector<Location> locations);

}  // namespace perchild
