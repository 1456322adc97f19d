#include "providers/machines/password_hash.h"

#include <crypt.h>
#include <gtest/gtest.h>

namespace slipway::machines {
namespace {

TEST(PasswordHash, IsWhatAGuestComparesWithAndNeverTheSameTwice) {
    SystemRandom random;
    for (const std::string& password :
         {std::string("suitepad"), std::string("p$`\"'\\ \xc3\xa4;"), std::string(72, 'x')}) {
        const auto hash = password_hash(Secret(password), random);
        ASSERT_TRUE(hash);
        EXPECT_TRUE(hash->starts_with("$6$"));
        EXPECT_EQ(*hash, ::crypt(password.c_str(), hash->c_str())) << "as login(1) does it";
        EXPECT_NE(*hash, *password_hash(Secret(password), random));
        EXPECT_EQ(hash->find('\''), std::string::npos);
    }
}

TEST(PasswordHash, RefusesWhatCryptWouldCutOff) {
    SystemRandom random;
    const auto hash = password_hash(Secret(std::string(4096, 'x')), random);
    ASSERT_FALSE(hash);
    EXPECT_EQ(hash.error().error_class, ErrorClass::permanent);
}

}  // namespace
}  // namespace slipway::machines
