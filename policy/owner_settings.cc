#include "policy/owner_settings.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "policy/configuration_content.h"
#include "policy/json_tree.h"

namespace perchild {
namespace {

// Known keys that the operator keeps to himself. Unknown ones are for the reader to tell.
void check_topics(Report& report, JsonValue object, std::span<const std::string> topics) {
  for (JsonValue member : object) {
    if (!is_content_key(member.key())) continue;
    if (std::find(topics.begin(), topics.end(), member.key()) != topics.end()) continue;
    report.error_at_key(member, "the operator of this server has not left " +
                                    in_quotes(member.key()) + " to its sites");
  }
}

void read(Report& report, JsonValue root, std::span<const std::string> topics, Content& content) {
  constexpr std::string_view keys[] = {"locations"};
  if (!report.expect_keys(root, owner_settings_name, with_content_keys(keys))) return;
  check_topics(report, root, topics);
  if (const auto locations = root.find("locations")) {
    for (JsonValue location : *locations) check_topics(report, location, topics);
  }
  read_content(report, root, content);
}

}  // namespace

OwnerSettings read_owner_settings(std::string text, std::span<const std::string> topics) {
  OwnerSettings settings;
  Content content;
  const std::string name(owner_settings_name);
  if (text.size() > most_owner_settings_bytes) {
    Report(settings.mistakes)
        .about_file(Severity::error, name,
                    "it is longer than " + std::to_string(most_owner_settings_bytes) + " bytes");
    return settings;
  }
  const auto document = JsonDocument::parse(name, std::move(text), settings.mistakes);
  if (document != nullptr) {
    Report report(settings.mistakes);
    read(report, document->root(), topics, content);
  }
  if (count_of(settings.mistakes, Severity::error) == 0) settings.content = std::move(content);
  return settings;
}

}  // namespace perchild
