#include "vhosts/gateway/cgi_call.h"

#include <algorithm>

#include "policy/packed.h"

namespace perchild::gateway {
namespace {

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool is_assignment(std::string_view variable) {
  const std::size_t sign = variable.find('=');
  return sign != 0 && sign != std::string_view::npos && !has_nul(variable);
}

}  // namespace

bool CgiCall::valid() const {
  if (script.empty() || script.size() > max_script_bytes || script.front() == '/') return false;
  if (has_nul(script) || environment.size() > max_variables) return false;
  if (body.size() > max_body_bytes) return false;
  std::size_t bytes = 0;
  for (const std::string& variable : environment) bytes += variable.size() + 1;
  return bytes <= max_environment_bytes &&
         std::all_of(environment.begin(), environment.end(), is_assignment);
}

std::string CgiCall::pack() const {
  PackedWriter out;
  out.put_text(script);
  out.put_texts(environment);
  out.put_text(body);
  return out.take();
}

std::optional<CgiCall> CgiCall::unpack(std::string_view bytes) {
  PackedReader in(bytes);
  CgiCall call;
  call.script = in.get_text();
  const std::uint32_t count = in.get_count();
  if (count > max_variables) return std::nullopt;
  call.environment.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) call.environment.emplace_back(in.get_text());
  call.body = in.get_text();
  if (!in.done() || !call.valid()) return std::nullopt;
  return call;
}

}  // namespace perchild::gateway
