#include "faces/harbourmaster/media_types.h"

#include <gtest/gtest.h>

namespace slipway::faces {
namespace {

bool accepts(std::initializer_list<std::string> fields) {
    http::Headers headers;
    for (const std::string& field : fields) headers.add("Accept", field);
    return accepts_json(headers);
}

TEST(MediaTypes, JsonIsAcceptedUnderEachNameThatCoversIt) {
    EXPECT_TRUE(accepts({"application/json"}));
    EXPECT_TRUE(accepts({"Application/JSON; charset=utf-8"}));
    EXPECT_TRUE(accepts({"*/*"}));
    EXPECT_TRUE(accepts({"text/html, application/*;q=0.8"}));
    EXPECT_TRUE(accepts({"text/html", "application/json"}));
}

TEST(MediaTypes, WhatDoesNotCoverJsonIsNotEnough) {
    EXPECT_FALSE(accepts({}));
    EXPECT_FALSE(accepts({""}));
    EXPECT_FALSE(accepts({"text/html"}));
    EXPECT_FALSE(accepts({"application/jsonp, text/*"}));
}

TEST(MediaTypes, TheMostSpecificRangeDecidesWhateverTheirOrder) {
    EXPECT_FALSE(accepts({"application/json;q=0, */*"}));
    EXPECT_FALSE(accepts({"*/*, application/json;q=0.000"}));
    EXPECT_TRUE(accepts({"*/*;q=0, application/json;q=0.001"}));
}

TEST(MediaTypes, AContentTypeMayHaveParameters) {
    EXPECT_TRUE(is_json("application/json"));
    EXPECT_TRUE(is_json("application/json ; charset=UTF-8"));
    EXPECT_FALSE(is_json("application/json-patch+json"));
    EXPECT_FALSE(is_json("text/plain"));
    EXPECT_FALSE(is_json(""));
}

TEST(MediaTypes, ABodyIsAnnouncedByItsLengthOrItsEncoding) {
    const auto with = [](std::string name, std::string value) {
        http::Headers headers;
        headers.add(std::move(name), std::move(value));
        return announces_body(headers);
    };
    EXPECT_FALSE(announces_body(http::Headers()));
    EXPECT_FALSE(with("Content-Length", "0"));
    EXPECT_TRUE(with("Content-Length", "2"));
    EXPECT_TRUE(with("Content-Length", "10"));
    EXPECT_TRUE(with("Transfer-Encoding", "chunked"));
}

}  // namespace
}  // namespace slipway::faces
