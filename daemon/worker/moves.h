// The steps of answer.h that lead a request elsewhere: redirects, rewrites, and paths to try.
//
// Runs in: worker.
// Does not trust: the client. Where he is sent is percent-encoded, and on no host but this one or
// one that the configuration names.
#pragma once

#include <optional>
#include <string>

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// How often a request can be led to another path.
inline constexpr int most_moves = 10;

// What a step that can lead to another path has come to: one of the two, or neither.
struct Step {
  std::optional<Response> response{};
  std::optional<std::string> path{};  // where the request goes on; its query is set already
};

// `location` is percent-encoded; with 410 it is empty.
[[nodiscard]] Response redirect_response(const Request& request, int status,
                                         std::string_view location);

// The first redirect that matches.
[[nodiscard]] Step redirect(const Request& request);
// The first rewrite that matches and changes the path.
[[nodiscard]] Step rewrite(Request& request);
// The first path that is there, which is settled then; else the fallback, or a refusal.
[[nodiscard]] Step try_paths(Request& request);
// The fallback alone, for a path that can be no file's; nothing if that path would name it.
[[nodiscard]] Step fall_back(Request& request);

}  // namespace perchild
