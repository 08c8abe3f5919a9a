// decode_path: whatever comes out names something below the root, in one way only.
#include <vector>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/http1/path.h"

namespace {

using namespace perchild::http1;
using perchild::fuzz::check;

void check_decoded(std::string_view path) {
  check(path.starts_with('/'), "begins with '/'");
  for (const char c : path)
    check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no controls");
  std::string_view rest = path.substr(1);
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    check(!name.empty() && name != "." && name != "..", "every segment is a name");
    check(name.size() <= max_name_bytes, "names are short enough");
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  const std::string_view relative = relative_path(path);
  check(!relative.empty() && relative.front() != '/', "relative to the root");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw = perchild::fuzz::to_view(data, size);
  std::vector<char> buffer(size);
  const DecodedPath decoded = decode_path(raw, buffer);
  std::vector<char> other_buffer(size);
  const DecodedPath other = decode_path(raw, other_buffer, EncodedSlash::separates);
  if (other.ok()) check_decoded(other.path);
  std::vector<char> kept_buffer(size);
  const DecodedPath kept = decode_path(raw, kept_buffer, EncodedSlash::kept);
  check(kept.outcome != PathOutcome::encoded_slash, "what is kept is no mistake");
  // What no dots bring together are the same bytes but for these.
  if (other.ok() && !other.had_dot_segments) check(kept.ok(), "a path by either reading");
  if (decoded.ok()) {
    check(other.ok() && other.path == decoded.path, "they differ by %2F alone");
    check(kept.ok() && kept.path == decoded.path, "they differ by %2F alone");
  }
  if (!decoded.ok()) {
    check(decoded.path.empty() && status_of(decoded.outcome) >= 400, "refused without a path");
    return 0;
  }
  check(perchild::fuzz::is_within(decoded.path, {buffer.data(), buffer.size()}), "in the buffer");
  check(decoded.path.size() <= size, "does not grow");
  check_decoded(decoded.path);

  // Without escapes decoding changes nothing more.
  if (decoded.path.find('%') == std::string_view::npos) {
    std::vector<char> again(decoded.path.size());
    const DecodedPath twice = decode_path(decoded.path, again);
    check(twice.ok() && twice.path == decoded.path, "a decoded path stays as it is");
  }
  return 0;
}
