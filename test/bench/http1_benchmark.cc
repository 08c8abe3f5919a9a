// How long the pure parts of a request take: its head, its path, the Date of its response.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "vhosts/http1/chunked.h"
#include "vhosts/http1/date.h"
#include "vhosts/http1/path.h"
#include "vhosts/http1/request_head.h"

namespace perchild::http1 {
namespace {

constexpr std::string_view wrk_head =
    "GET /index.html HTTP/1.1\r\n"
    "Host: site17.example:8080\r\n"
    "User-Agent: wrk/4.1.0\r\n"
    "Connection: keep-alive\r\n"
    "\r\n";

constexpr std::string_view browser_head =
    "GET /articles/2024/how-it-works.html?ref=front&page=2 HTTP/1.1\r\n"
    "Host: www.alice.example\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: http://www.alice.example/\r\n"
    "Connection: keep-alive\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "If-None-Match: \"5f3c-61a0b2c4\"\r\n"
    "Priority: u=0, i\r\n"
    "\r\n";

void parse_head(benchmark::State& state, std::string_view bytes) {
  for (auto _ : state) {
    HeadParser parser;
    benchmark::DoNotOptimize(bytes);
    if (parser.parse(bytes) != HeadParser::State::complete) std::abort();
    const RequestHead head = parser.head(bytes);
    benchmark::DoNotOptimize(&head);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(parse_head, wrk, wrk_head);
BENCHMARK_CAPTURE(parse_head, browser, browser_head);

void parse_head_by_bytes(benchmark::State& state, std::string_view bytes) {
  for (auto _ : state) {
    HeadParser parser;
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
      benchmark::DoNotOptimize(parser.parse(bytes.substr(0, size)));
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(parse_head_by_bytes, browser, browser_head);

void decode(benchmark::State& state) {
  constexpr std::string_view path = "/articles/2024/how%20it%20works.html";
  std::array<char, path.size()> buffer;
  for (auto _ : state) benchmark::DoNotOptimize(decode_path(path, buffer));
}
BENCHMARK(decode);

void format(benchmark::State& state) {
  std::array<char, date_length> buffer;
  std::time_t time = 784'111'777;
  for (auto _ : state) benchmark::DoNotOptimize(format_date(time++, buffer));
}
BENCHMARK(format);

}  // namespace
}  // namespace perchild::http1

BENCHMARK_MAIN();
