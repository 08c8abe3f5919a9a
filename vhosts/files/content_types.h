// Content types of a site: those compiled in (mime.h), and what the site says besides.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/content_settings.h"

namespace perchild::files {

class ContentTypes {
 public:
  // `charset` is that of text; "" for none to be stated.
  ContentTypes(const std::vector<TypeOfExtension>& types, std::string charset);

  // As content_type_of(). Lasts as long as this.
  std::string_view of(std::string_view path) const;

 private:
  std::string with_charset(std::string_view type) const;

  std::map<std::string, std::string, std::less<>> types_;  // by extension, in lower case
  std::string charset_;
  // Of the compiled-in types of text, in another charset: made when first met.
  mutable std::unordered_map<std::string_view, std::string> recoded_;
};

}  // namespace perchild::files
