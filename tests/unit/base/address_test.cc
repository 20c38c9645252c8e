// Hosts as connections and options write them.
#include "protocol/base/address.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(Hosts, AreReadOutOfUrlsAndAuthorities) {
  const std::pair<const char*, const char*> rows[] = {{"db.example", "db.example"},
                                                      {"DB.Example.", "db.example"},
                                                      {"https://user:p@db.example:5432/x?y#z", "db.example"},
                                                      {"db.example:80", "db.example"},
                                                      {"[::1]:80", "::1"},
                                                      {"::1", "::1"},
                                                      {"http://a@b@c/", "c"},
                                                      {"10.1", "10.0.0.1"},
                                                      {"0x7f.1:80", "127.0.0.1"},
                                                      {"10.0.0.0/8", "10.0.0.0"},
                                                      {".", "."},
                                                      {"", ""}};
  for (const auto& [text, host] : rows) EXPECT_EQ(host_of(text), host) << text;
}

TEST(Ports, AreTheWrittenOneOrThatOfTheScheme) {
  const std::pair<const char*, int> rows[] = {{"db.example:5432", 5432},
                                              {"https://user:1@db.example:8443/x", 8443},
                                              {"[::1]:80", 80},
                                              {"https://db.example", 443},
                                              {"HTTP://db.example/", 80},
                                              {"https://[::1]/", 443},
                                              {"ftp://db.example", 0},
                                              {"db.example", 0},
                                              {"::1", 0},
                                              {"db.example:", 0},
                                              {"db.example:80x", 0},
                                              {"https://db.example:x", 0}};
  for (const auto& [text, port] : rows) EXPECT_EQ(port_of(text), port) << text;
}

TEST(Addresses, AreThoseOfBothKindsAndRangesOfThem) {
  for (const char* text : {"10.0.0.1", "10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "::1", "fe80::/10", "::/0", "::1/128"})
    EXPECT_TRUE(is_address(text)) << text;
  for (const char* text :
       {"", "db.example", "10.1", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/", "10.0.0.1/8x", "::1/129"})
    EXPECT_FALSE(is_address(text)) << text;
  EXPECT_TRUE(is_ipv6("::1"));
  EXPECT_FALSE(is_ipv6("::ffff:10.0.0.1")) << "the kernel connects to the IPv4 one";
  EXPECT_FALSE(is_ipv6("10.0.0.1"));
}

TEST(Addresses, OfThisMachineAreLoopback) {
  for (const char* host : {"localhost", "db.localhost", "127.0.0.1", "127.9.9.9", "127.1", "::1", "::", "0.0.0.0", "0",
                           "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"localhost.example", "128.0.0.1", "0.0.0.0/0", "0.0.0.0/8", "::2", "10.0.0.1", ""})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Addresses, AreInTheFirstRangeThatHoldsThemWhole) {
  const std::vector<std::string> ranges = {"db.example", "10.0.0.0/9", "10.0.0.0/8", "fe80::/10", "192.0.2.7"};
  EXPECT_EQ(range_of("10.1.2.3", ranges), "10.0.0.0/9");
  EXPECT_EQ(range_of("10.200.0.0/16", ranges), "10.0.0.0/8");
  EXPECT_EQ(range_of("::ffff:192.0.2.7", ranges), "192.0.2.7");
  EXPECT_EQ(range_of("fe80::1", ranges), "fe80::/10");
  for (const char* outside : {"db.example", "11.0.0.1", "10.0.0.0/7", "192.0.2.8", "fec0::1", ""})
    EXPECT_FALSE(range_of(outside, ranges)) << outside;
}

}  // namespace
}  // namespace osiris
