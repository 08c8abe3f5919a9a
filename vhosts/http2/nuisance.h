// What a client can make a server do by frames that ask for nothing, and how much of it is put up
// with: each kind has a bucket that fills slowly. Who empties one is no browser.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace perchild::http2 {

enum class Nuisance : std::uint8_t {
  reset,          // a request taken back, or one that had to be reset ("rapid reset")
  ping,           // each wants an answer
  settings,       // likewise, and can change every stream's window
  priority,       // PRIORITY, PRIORITY_UPDATE
  window_update,  // see NuisanceBudget::on_data_sent
  empty_data,     // neither a byte nor the end
  unknown,        // frames of other protocols, or of none
};

std::string_view text_of(Nuisance what);

class NuisanceBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // False if there has been too much of it.
  [[nodiscard]] bool spend(Nuisance what, Time now);

  // A client may say of what it is sent that it has taken it, for its stream and for the
  // connection, and some do for every few kilobytes.
  void on_data_sent(std::size_t bytes) {
    tokens_[index_of(Nuisance::window_update)] += 2 + static_cast<double>(bytes) / 1024;
  }

 private:
  static constexpr std::size_t kinds = 7;
  static constexpr std::size_t index_of(Nuisance what) { return static_cast<std::size_t>(what); }

  struct Rate {
    double burst;
    double per_second;
  };
  static constexpr std::array<Rate, kinds> rates{{
      {200, 33},    // all streams of a page that is left, twice
      {50, 5},      // some measure their line by it, none so often
      {20, 1},      // one at the beginning, and a few more
      {400, 50},    // of every stream, and again when a tab is shown
      {1000, 200},  // some begin with small windows
      {50, 5},      // padding, perhaps
      {100, 10},    // new frames are greased
  }};

  static constexpr std::array<double, kinds> full() {
    std::array<double, kinds> tokens{};
    for (std::size_t i = 0; i < kinds; ++i) tokens[i] = rates[i].burst;
    return tokens;
  }
  std::array<double, kinds> tokens_ = full();
  std::array<Time, kinds> filled_{};
};

}  // namespace perchild::http2
