#include "daemon/worker/program_encoding.h"

#include <span>
#include <string_view>
#include <utility>

#include "vhosts/files/compression.h"

namespace perchild {
namespace {

// What a body of unknown length is taken for, when memory is got for it: a large page.
constexpr std::uint64_t usual_length = 128 * 1024;

std::optional<ContentCoding> best_coding(const Request& request) {
  const files::EncodedForms forms(request.accepted_codings(), request.site.settings.compression,
                                  true);
  for (const auto& [coding, on_the_fly] : forms) {
    if (on_the_fly) return coding;
  }
  return std::nullopt;
}

}  // namespace

bool ProgramEncoding::may_be_wanted(const Request& request) {
  const CompressionSettings& settings = request.site.settings.compression;
  return settings.programs && !settings.on_the_fly.empty();
}

void ProgramEncoding::choose(const Request& request, int status,
                             const files::EncodableHead& program_head,
                             std::optional<std::uint64_t> length) {
  const CompressionSettings& settings = request.site.settings.compression;
  if (status == 304) {
    // A client that has the response encoded knows its tag as a weak one.
    weak_tags_known_ = request.head.if_none_match;
    return;
  }
  if (status < 200 || status == 204 || status == 206) return;
  if (length && *length < settings.min_size) return;
  if (!program_head.is_encodable(settings.types)) return;
  varies_ = true;
  // A client of HTTP/1.0 is told the end of such a body by that of the connection alone.
  if (request.head.version == http1::Version::http_1_0) return;
  coding_ = best_coding(request);
  if (!coding_ || request.head_only()) return;
  encoder_ = request.site.encoders.take(*coding_, settings, length.value_or(usual_length));
  if (encoder_ == nullptr) coding_.reset();
}

void ProgramEncoding::add_field(files::ResponseHead& head, const http1::Field& field) const {
  const auto is = [&field](std::string_view name) {
    return http1::equals_ignoring_case(field.name, name);
  };
  // Its ranges would be those of the body that it has sent.
  if (coding_ && is("accept-ranges")) return;
  if ((coding_ || !weak_tags_known_.empty()) && is("etag") && !field.value.starts_with("W/")) {
    const std::string weak = "W/" + std::string(field.value);
    const bool is_known = weak_tags_known_.find(weak) != std::string_view::npos;
    if (coding_ || is_known) return head.add(field.name, weak);
  }
  head.add(field.name, field.value);
}

void ProgramEncoding::add_own_fields(files::ResponseHead& head) const {
  if (coding_) head.add("Content-Encoding", coding_names[index_of(*coding_)]);
  if (varies_) head.add("Vary", "Accept-Encoding");
}

bool ProgramEncoding::encode(std::string& body, bool is_last) {
  constexpr std::size_t step_room = 16 * 1024;
  if (body.empty() && !is_last) return true;
  has_worked_ = true;
  std::string_view rest = body;
  std::string encoded;
  std::size_t filled = 0;
  for (bool done = false; !done;) {
    encoded.resize(filled + step_room);
    const std::span<char> room = std::span(encoded).subspan(filled);
    const bool flushes = rest.empty() && !is_last;
    const files::Encoder::Step step =
        flushes ? encoder_->flush(room) : encoder_->next(rest, is_last, room);
    done = step.done && (is_last || flushes);
    // Neither library stops before its output is full.
    if (step.failed || (!done && step.consumed == 0 && step.produced == 0)) {
      body.clear();
      return false;
    }
    rest.remove_prefix(step.consumed);
    filled += step.produced;
  }
  encoded.resize(filled);
  body = std::move(encoded);
  if (is_last) encoder_.reset();
  return true;
}

}  // namespace perchild
