#include "policy/configuration_report.h"

#include <algorithm>
#include <utility>

#include "policy/spelling.h"

namespace perchild {

void Report::add(Mistake mistake, std::string sentence, std::string hint) {
  if (mistakes_.size() >= max_mistakes) {
    ++(mistake.severity == Severity::error ? left_out_.errors : left_out_.others);
    return;
  }
  mistake.sentence = std::move(sentence);
  mistake.hint = std::move(hint);
  mistakes_.push_back(std::move(mistake));
}

void Report::error(JsonValue at, std::string sentence, std::string hint) {
  add(at.mistake(), std::move(sentence), std::move(hint));
}

void Report::error_at_key(JsonValue at, std::string sentence, std::string hint) {
  add(at.mistake_at_key(), std::move(sentence), std::move(hint));
}

void Report::warning(JsonValue at, std::string sentence, std::string hint) {
  Mistake mistake = at.mistake();
  mistake.severity = Severity::warning;
  add(std::move(mistake), std::move(sentence), std::move(hint));
}

void Report::note(JsonValue at, std::string sentence) {
  Mistake mistake = at.mistake();
  mistake.severity = Severity::note;
  add(std::move(mistake), std::move(sentence), {});
}

void Report::about_file(Severity severity, std::string file, std::string sentence,
                        std::string hint) {
  Mistake mistake;
  mistake.file = std::move(file);
  mistake.severity = severity;
  add(std::move(mistake), std::move(sentence), std::move(hint));
}

bool Report::expect(JsonValue value, JsonKind kind) {
  if (value.is(kind)) return true;
  error(value, value.label() + " must be " + std::string(name_of(kind)) + ", but is " +
                   std::string(name_of(value.kind())));
  return false;
}

bool Report::expect_keys(JsonValue value, std::string_view owner,
                         std::span<const std::string_view> known) {
  if (!expect(value, JsonKind::object)) return false;
  for (JsonValue member : value) {
    if (std::find(known.begin(), known.end(), member.key()) != known.end()) continue;
    const std::string_view meant = nearest(member.key(), known);
    error_at_key(
        member, std::string(owner) + " has no key " + in_quotes(member.key()),
        meant.empty() ? "its keys are " + listed(known) : "did you mean " + in_quotes(meant) + "?");
  }
  return true;
}

std::string listed(std::span<const std::string_view> words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " " + std::string(last) + " " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace perchild
