#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "test/vhosts/http1/head_cases.h"
#include "test/vhosts/http1/head_outcome.h"

namespace perchild::http1::head_split_test {
namespace {

std::vector<std::string> all_cases() {
  std::vector<std::string> all;
  for (const auto& c : reject_cases()) all.push_back(c.bytes);
  for (const auto& c : accept_cases()) all.push_back(c.bytes);
  return all;
}

// A head of the tables with some of its bytes replaced, removed, doubled or inserted.
rc::Gen<std::string> mutated_head() {
  return rc::gen::exec([] {
    static const std::vector<std::string> heads = all_cases();
    std::string bytes = *rc::gen::elementOf(heads);
    const int changes = *rc::gen::inRange(0, 4);
    for (int i = 0; i < changes && !bytes.empty(); ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
      const char c = *rc::gen::oneOf(rc::gen::elementOf(std::string("\r\n\t :,/?%A1\0\x7f", 13)),
                                     rc::gen::arbitrary<char>());
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          bytes[at] = c;
          break;
        case 1:
          bytes.erase(at, 1);
          break;
        case 2:
          bytes.insert(at, 1, c);
          break;
        default:
          bytes.insert(at, bytes.substr(at, *rc::gen::inRange<std::size_t>(1, 40)));
      }
    }
    return bytes;
  });
}

TEST(HeadSplit, EveryCaseOfTheTablesIsTheSameWholeAndOneByteAtATime) {
  for (const std::string& bytes : all_cases()) {
    EXPECT_EQ(parse_whole(bytes), parse_by_byte(bytes)) << bytes;
  }
}

TEST(HeadSplit, EveryCaseIsTheSameCutInTwoAnywhere) {
  for (const std::string& bytes : all_cases()) {
    const HeadOutcome whole = parse_whole(bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ASSERT_EQ(whole, parse_in_parts(bytes, {cut})) << bytes << "\ncut at " << cut;
    }
  }
}

TEST(HeadSplit, NoStrictPrefixOfACompleteHeadIsComplete) {
  for (const auto& c : accept_cases()) {
    HeadParser whole;
    ASSERT_EQ(whole.parse(c.bytes), HeadParser::State::complete);
    const std::size_t length = whole.head(c.bytes).length;
    HeadParser parser;
    for (std::size_t size = 0; size < length; ++size) {
      ASSERT_EQ(parser.parse(std::string_view(c.bytes).substr(0, size)),
                HeadParser::State::incomplete)
          << c.name;
    }
  }
}

RC_GTEST_PROP(HeadSplit, MutatedHeadsAreTheSameWholeAndOneByteAtATime, ()) {
  const std::string bytes = *mutated_head();
  RC_ASSERT(parse_whole(bytes) == parse_by_byte(bytes));
}

RC_GTEST_PROP(HeadSplit, MutatedHeadsAreTheSameHoweverTheyAreSplit, ()) {
  const std::string bytes = *mutated_head();
  const auto sizes =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 50));
  RC_ASSERT(parse_whole(bytes) == parse_in_parts(bytes, sizes));
}

RC_GTEST_PROP(HeadSplit, NothingIsRememberedAfterReset, ()) {
  const std::string before = *mutated_head();
  const std::string bytes = *mutated_head();
  HeadParser parser;
  (void)parser.parse(before);
  parser.reset();
  const auto state = parser.parse(bytes);
  RC_ASSERT(outcome_of(parser, state, bytes) == parse_whole(bytes));
}

TEST(HeadSplit, NothingIsRememberedAfterResetFromEachCaseToEachOther) {
  const std::vector<std::string> cases = all_cases();
  std::vector<HeadOutcome> fresh;
  for (const std::string& bytes : cases) fresh.push_back(parse_whole(bytes));
  HeadParser parser;
  for (const std::string& before : cases) {
    for (std::size_t i = 0; i < cases.size(); i += 7) {
      (void)parser.parse(before);
      parser.reset();
      const auto state = parser.parse(cases[i]);
      ASSERT_EQ(outcome_of(parser, state, cases[i]), fresh[i]) << before << "\nthen\n" << cases[i];
      parser.reset();
    }
  }
}

}  // namespace
}  // namespace perchild::http1::head_split_test
