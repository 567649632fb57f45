// PEGTL's own analysis of the grammar: no rule can loop without consuming.
#include "grammar/messages.h"

#include <gtest/gtest.h>
#include <tao/pegtl/contrib/analyze.hpp>

TEST(Grammar, HasNoLoopsWithoutProgress) {
    EXPECT_EQ(tao::pegtl::analyze<xdpc::grammar::policy_file>(), 0U);
    EXPECT_EQ(tao::pegtl::analyze<xdpc::grammar::layers_text>(), 0U);
}
