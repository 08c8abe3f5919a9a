// What the configuration says of response headers, caching, types and pages.
#pragma once

#include <string>
#include <vector>

#include "policy/configuration_report.h"
#include "policy/content_settings.h"

namespace perchild {

std::vector<HeaderSetting> read_headers(Report& report, JsonValue value);
Cors read_cors(Report& report, JsonValue value);
std::vector<CachingSetting> read_caching(Report& report, JsonValue value);
std::vector<TypeOfExtension> read_types(Report& report, JsonValue value);
std::vector<ErrorPageSetting> read_error_pages(Report& report, JsonValue value);
// "utf-8"; false gives "".
std::string read_charset(Report& report, JsonValue value);

}  // namespace perchild
