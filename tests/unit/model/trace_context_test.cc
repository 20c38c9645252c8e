#include "protocol/model/trace_context.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

constexpr const char* kText = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, IsReadAndWrittenAsTheStandardHasIt) {
  const auto context = parse_trace_context(kText);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(context->span_id, "b7ad6b7169203331");
  EXPECT_TRUE(context->is_sampled);
  EXPECT_EQ(context->text(), kText);
}

TEST(TraceContext, FlagsSayWhetherItIsSampled) {
  EXPECT_FALSE(parse_trace_context("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")->is_sampled);
  EXPECT_FALSE(parse_trace_context("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02")->is_sampled);
  EXPECT_TRUE(parse_trace_context("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03")->is_sampled);
}

TEST(TraceContext, ALaterVersionCountsByWhatIsKnownOfIt) {
  EXPECT_TRUE(parse_trace_context("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what"));
  EXPECT_FALSE(parse_trace_context("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01what"));
  EXPECT_FALSE(parse_trace_context("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what"));
}

TEST(TraceContext, WhatIsNoneIsRefused) {
  for (const char* text : {"", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                           "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g"})
    EXPECT_FALSE(parse_trace_context(text)) << text;
}

TEST(TraceContext, ANewOneIsValidAndItsOwn) {
  const TraceContext one = new_trace(), other = new_trace();
  EXPECT_TRUE(parse_trace_context(one.text()));
  EXPECT_NE(one.trace_id, other.trace_id);
  EXPECT_NE(one.span_id, other.span_id);
}

TEST(TraceContext, TheSpanOfAStepIsTheSameWhereverItIsAskedFor) {
  const TraceContext parent = *parse_trace_context(kText);
  EXPECT_EQ(child_span_id(parent, "save"), child_span_id(*parse_trace_context(kText), "save"));
  EXPECT_NE(child_span_id(parent, "save"), child_span_id(parent, "read"));
  EXPECT_NE(child_span_id(parent, "save"), child_span_id(new_trace(), "save"));
  EXPECT_EQ(child_span_id(parent, "save").size(), 16u);
}

}  // namespace
}  // namespace osiris
