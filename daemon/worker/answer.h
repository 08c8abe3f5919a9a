// From a request's head to its response: the steps, in their order.
//
//   Response response;
//   Progress progress = begin_answer(request, response);
//   while (progress == Progress::entered) {
//     (whether the client may enter is asked here: it can take time)
//     progress = continue_answer(request, response);
//   }
//   finish_answer(request, response);
//
// Runs in: worker.
// Does not trust: the client. The file system is reached through files::Docroot only.
#pragma once

#include <cstdint>
#include <string_view>

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

enum class Progress : std::uint8_t {
  answered,    // the response is there
  by_program,  // Request::call says which is to be asked
  entered,     // the request stands at a path, its own or one that a rule led to; access comes next
};

// Decodes the path. No rule of the site has been looked at before.
[[nodiscard]] Progress begin_answer(Request& request, Response& response);

// What follows once the client may enter: methods, rules, files.
[[nodiscard]] Progress continue_answer(Request& request, Response& response);

// The script that `path` leads through, if `rules` have a program run it: what is behind it is
// for the script. Empty if there is none; at most one of these names can be a regular file.
[[nodiscard]] std::string_view script_above(const ServedSite& site, const content::Rules& rules,
                                            std::string_view path);

// A program leads to another path of the site: `location` is percent-encoded, with a query perhaps.
[[nodiscard]] Progress go_to(Request& request, Response& response, std::string_view location);

// What holds for every response, whoever made it.
void finish_answer(Request& request, Response& response);

// For a refusal before the request stands at any path: it gets the pages and headers of "/".
void take_rules_of_root(Request& request);

// What is no problem of the site's, and stands in no error log.
inline constexpr std::string_view no_such_file = "no such file";

// The page for `status`, the site's own if it has one, with the problem for the error log.
// `more_fields` are whole lines: Allow, Retry-After, WWW-Authenticate.
[[nodiscard]] Response refuse(const Request& request, int status, std::string_view problem,
                              std::string_view more_fields = {}, int error = 0);

// The page for `status` of a request that is not looked at any further. `head_only`: it was HEAD.
Response error_response(const ServedSite& site, IoBuffer& buffer, int status,
                        files::Persistence persistence, bool head_only,
                        std::string_view more_fields = {});

}  // namespace perchild
