// The page that shows what is in a folder.
//
//   ListingPage page("/pictures/", order);
//   sort_listing(files, order);
//   for (const ListedFile& file : files) page.add(file);
//   response body = page.finish(there_are_more);
//
// Every name is its owner's or an uploader's, and may be meant to be something else than a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::pages {

enum class ListingColumn : std::uint8_t { name, size, date };

struct ListingOrder {
  ListingColumn column = ListingColumn::name;
  bool descending = false;

  bool operator==(const ListingOrder&) const = default;
};

// Of a query: "sort=size&order=desc". What is not understood is left out.
ListingOrder parse_listing_order(std::string_view query);

struct ListedFile {
  std::string name{};
  bool is_folder = false;
  std::uint64_t size = 0;     // of a file
  std::int64_t modified = 0;  // seconds since 1970
};

// Folders first in any order; equal ones by name, without regard to ASCII case, and with "2" before
// "10".
void sort_listing(std::vector<ListedFile>& files, ListingOrder order);

class ListingPage {
 public:
  // `path`: decoded, of a folder: begins and ends with '/'.
  ListingPage(std::string_view path, ListingOrder order);

  void add(const ListedFile& file);
  std::string finish(bool there_are_more);

 private:
  void append_heading(std::string_view path);
  void append_column(std::string_view label, std::string_view key, ListingColumn column,
                     std::string_view cell_class);

  std::string page_;
  ListingOrder order_;
  std::size_t count_ = 0;
};

// Text of a page: valid UTF-8, with nothing in it that HTML takes for markup.
void append_text(std::string& page, std::string_view text);
// A name as a part of an address.
void append_address(std::string& page, std::string_view name);

}  // namespace perchild::pages
