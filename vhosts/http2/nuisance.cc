#include "vhosts/http2/nuisance.h"

#include <algorithm>

namespace perchild::http2 {

std::string_view text_of(Nuisance what) {
  switch (what) {
    case Nuisance::reset:
      return "too many requests were taken back or had to be reset";
    case Nuisance::ping:
      return "too many PING frames";
    case Nuisance::settings:
      return "too many SETTINGS frames";
    case Nuisance::priority:
      return "too many PRIORITY frames";
    case Nuisance::window_update:
      return "too many WINDOW_UPDATE frames";
    case Nuisance::empty_data:
      return "too many empty DATA frames";
    case Nuisance::unknown:
      return "too many frames of unknown types";
  }
  return "";
}

bool NuisanceBudget::spend(Nuisance what, Time now) {
  const std::size_t i = index_of(what);
  double& tokens = tokens_[i];
  if (filled_[i] != Time{} && tokens < rates[i].burst) {
    const std::chrono::duration<double> passed = now - filled_[i];
    tokens = std::min(rates[i].burst, tokens + passed.count() * rates[i].per_second);
  }
  filled_[i] = now;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

}  // namespace perchild::http2
