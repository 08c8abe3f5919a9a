// Whether a file is sent in a content coding, and in which.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "policy/compression_settings.h"
#include "vhosts/http1/accept_encoding.h"

namespace perchild::files {

// Whether anything is gained by compressing this type: text in its many forms, uncompressed fonts
// and pictures. `more`: types of the site's own, "x/y" or "x/*". Parameters of a type are ignored.
//
// Where a page mixes what is secret with what its visitors choose, compressing it tells them by its
// length when they guess the secret right (BREACH). A file mixes nothing; what programs answer is
// compressed only where the site says so.
bool is_compressible(std::string_view content_type, std::span<const std::string> more);

// Whether another Accept-Encoding than this request's could get another representation of a file.
bool is_negotiated(const CompressionSettings& settings, std::string_view content_type,
                   std::uint64_t size);

// A way to send a file in a coding.
struct EncodedForm {
  ContentCoding coding;
  bool on_the_fly;  // else a file beside it
};

// The forms that are worth a try, the best first: by the client's preference, then what need not be
// made, then the smaller coding. Those that the client likes less than the plain file are left out.
class EncodedForms {
 public:
  EncodedForms(const http1::AcceptedCodings& accepted, const CompressionSettings& settings,
               bool may_be_made);

  const EncodedForm* begin() const { return forms_.data(); }
  const EncodedForm* end() const { return forms_.data() + count_; }

 private:
  void add(EncodedForm form, unsigned rank);

  std::array<EncodedForm, 2 * coding_count> forms_;
  std::array<unsigned, 2 * coding_count> ranks_;
  std::size_t count_ = 0;
};

}  // namespace perchild::files
