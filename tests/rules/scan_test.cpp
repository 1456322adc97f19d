#include "scan.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::rules {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const Functions& functions) {
    std::vector<std::string> out;
    out.reserve(functions.found.size());
    for (const Function& function : functions.found) {
        out.push_back(function.name + ":" + std::to_string(function.lines()));
    }
    return out;
}

TEST(WithoutComments, HidesCommentsAndKeepsLinesBecausePositionsMustStay) {
    EXPECT_EQ(without_comments("a // x\nb /* y\n z */ c", Keep::code), "a     \nb     \n      c");
    EXPECT_EQ(without_comments("// one \\\n two\nthree", Keep::code), "        \n    \nthree");
}

TEST(WithoutComments, StringsMayHoldCommentsQuotesAndBraces) {
    EXPECT_EQ(without_comments(R"(f("// no \" {") + '"' + '\'';)", Keep::code), R"(f("          ") + ' ' + '  ';)");
    EXPECT_EQ(without_comments("a = R\"x(\" } // )\" )x\"; // c", Keep::code), "a = R\"              \";     ");
    EXPECT_EQ(without_comments("\"//\" // c", Keep::code_and_strings), "\"//\"     ");
}

TEST(WithoutComments, DigitSeparatorsAndApostrophesOpenNoLiteral) {
    EXPECT_EQ(without_comments("x = 1'000'000; /*c*/ y", Keep::code), "x = 1'000'000;       y");
    EXPECT_EQ(without_comments("case'{': z", Keep::code), "case' ': z");
    EXPECT_EQ(without_comments("#error don't\nint f() {}", Keep::code).substr(13), "int f() {}");
}

TEST(Includes, SeesOnlyRealOnes) {
    const auto found =
        includes_of("// #include \"a.h\"\n#include \"base/b.h\"\n #  include <c.h>\n/*\n#include \"d.h\"\n*/");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].path, "base/b.h");
    EXPECT_TRUE(found[0].quoted);
    EXPECT_EQ(found[0].line, 2U);
    EXPECT_EQ(found[1].path, "c.h");
    EXPECT_FALSE(found[1].quoted);
}

TEST(Functions, FindsThemInNamespacesAndClasses) {
    EXPECT_THAT(names(functions_of("namespace a::b {\nnamespace {\nint f(int x) {\n  return x;\n}\n}\n"
                                   "class C final : public D<int> {\n public:\n  C(int a) noexcept {\n  }\n"
                                   "  void g() const override { h(); }\n private:\n  int x_{3};\n};\n}\n")),
                ElementsAre("f:3", "C:2", "g:1"));
}

TEST(Functions, InitializerListsWithBracesAreNotBodies) {
    EXPECT_THAT(names(functions_of("C::C(int a)\n    : a_{a}, b_(2), D<int>{3} {\n  go();\n}\nint y;\n")),
                ElementsAre("C::C:4"));
}

TEST(Functions, OperatorsTemplatesAndTrailingReturnsAreFunctions) {
    EXPECT_THAT(names(functions_of("bool operator==(A a, A b) {\n}\nA& operator+=(A& a) {\n}\n"
                                   "template <class T = std::vector<int>>\n  requires big<T>\n"
                                   "auto f(T t) -> std::vector<T> {\n}\n")),
                ElementsAre("operator==:2", "operator+=:2", "f:4"));
}

TEST(Functions, LambdasInsideCountAsPartOfTheirFunction) {
    EXPECT_THAT(
        names(functions_of("void f() {\n  auto g = [](int x) {\n    return x;\n  };\n  if (g(1)) { }\n}\n")),
        ElementsAre("f:6"));
    EXPECT_THAT(names(functions_of("const auto f = [](int x) {\n  return x;\n};\n")), ElementsAre("f:3"));
}

TEST(Functions, DataIsNone) {
    EXPECT_THAT(names(functions_of("enum class E : int {\n a,\n b\n};\nconst std::array kTable{\n 1, 2\n};\n"
                                   "constexpr int kMore[] = {\n 1,\n};\nstruct P {\n int x = f({1});\n};\n"
                                   "template <>\nstruct H<int(int)> {\n};\nstruct alignas(8) Q {};\n")),
                ElementsAre());
}

TEST(Functions, DirectivesStringsAndArgumentsDoNotUnbalance) {
    const Functions functions = functions_of(
        "#define OPEN do { \\\n  if (x) {\nvoid f(std::vector<int> v = {1, 2}) {\n"
        "  puts(\"}}\");\n  char c = '}';  // }\n  auto r = R\"({{)\";\n}\nextern \"C\" {\nint g() { return 1; "
        "}\n}\n");
    EXPECT_TRUE(functions.balanced);
    EXPECT_THAT(names(functions), ElementsAre("f:5", "g:1"));
}

TEST(Functions, SaysWhenBracesDoNotMatchRatherThanGuess) {
    EXPECT_FALSE(functions_of("void f() {\n  if (x) {\n}\n").balanced);
    EXPECT_FALSE(functions_of("}\n").balanced);
    EXPECT_FALSE(functions_of("namespace a {\n").balanced);
}

}  // namespace
}  // namespace slipway::rules
