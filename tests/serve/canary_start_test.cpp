// Secrets in what the program is started with: mistakes are told without what was given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "canary_test_support.h"

namespace slipway::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class CanaryStart : public CanaryTest {
  protected:
    // Where the one secret of a mistake stands.
    static std::string with(std::string text, const std::string& secret) {
        const std::size_t at = text.find("CANARY");
        EXPECT_NE(at, std::string::npos) << text;
        return text.replace(at, 6, secret);
    }
    // What was logged since the last look.
    std::string new_log() {
        const std::string all = site_.log();
        return all.substr(std::exchange(looked_, all.size()));
    }
    fs::path state_file(const std::string& name, const std::string& text) const {
        fs::create_directories(site_.state());
        fs::permissions(site_.state(), fs::perms::owner_all);
        const fs::path file = site_.state() + "/" + name;
        fs::remove(file);
        std::ofstream(file) << text;
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        return file;
    }

  private:
    std::size_t looked_ = 0;
};

TEST(Canaries, AreFoundInEveryFormAndInParts) {
    Canaries canaries;
    const std::string text = canaries.plant("one");
    canaries.know("other", "another secret");
    const std::set<std::string> one{"one"};
    EXPECT_EQ(canaries.found_in("x" + text.substr(20, 12) + "y"), one);
    EXPECT_EQ(canaries.found_in("{\"a\":\"ANOTHER SECRET\"}"), std::set<std::string>{"other"});
    for (const std::string& before : {std::string("u:"), std::string("user:"), std::string("me:")}) {
        const std::string all = before + text;
        std::string encoded(sodium_base64_encoded_len(all.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
        const auto* bytes = reinterpret_cast<const unsigned char*>(all.data());
        sodium_bin2base64(encoded.data(), encoded.size(), bytes, all.size(), sodium_base64_VARIANT_ORIGINAL);
        EXPECT_EQ(canaries.found_in(encoded), one) << before;
        std::string digits(all.size() * 2 + 1, '\0');
        sodium_bin2hex(digits.data(), digits.size(), bytes, all.size());
        EXPECT_EQ(canaries.found_in(digits), one) << before;
    }
    EXPECT_EQ(canaries.found_in(text.substr(0, 11) + "." + text.substr(11, 11)), std::set<std::string>());
}

TEST_F(CanaryStart, NoMistakeInTheFileIsToldWithItsValue) {
    for (const std::string mistake :
         {"[server]\nadmin_key = \"CANARY\"\n",
          "admin_key = \"CANARY\"\n",
          "[server]\nadmin_key = CANARY\n",
          "[server]\nadmin_key = \"CANARY\n",
          "[server]\nadmin_key = 'CANARY\n",
          "[server]\n\"key\" \"CANARY\"\n",
          "[server]\ntls_key = \"-----BEGIN PRIVATE KEY-----CANARY\"\n",
          "[server]\nlisten = [\"u:CANARY@h:1\"]\n",
          "[broker]\ndatabase_url = \"postgres://u:CANARY@h/d\"\n",
          "[broker]\nname_prefix = \"CANARY\"\n",
          "[webhooks]\nsecret = \"CANARY\"\n",
          "[webhooks]\nallow_private = \"CANARY\"\n",
          "[local]\nhelper_socket = \"CANARY\"\n",
          "[local]\ndomain = \"u:CANARY@h\"\n",
          "[log]\nlevel = \"CANARY\"\n",
          "[pool]\nsmall = \"CANARY\"\n",
          "[[plan]]\nname = \"small\"\ntitle = \"S\"\n[plan.parameters]\npassword = \"CANARY\"\n",
          "[[plan]]\nname = \"small\"\ntitle = \"S\"\nprice_per_hour = \"CANARY\"\n",
          "[[plan]]\nname = \"small\"\ntitle = \"S\"\nprovider = \"CANARY\"\n",
          "[[plan]]\nname = \"small\"\ntitle = \"S\"\nparameters = {requirepass = \"CANARY\"}\n"}) {
        site_.configure(with(mistake, plant(mistake)));
        EXPECT_EQ(site_.run_to_end({}), 2) << mistake;
        const std::string said = new_log();
        EXPECT_THAT(said, HasSubstr("slipway.toml:")) << mistake;
        expect_clean("the complaint about " + mistake, said);
    }
    EXPECT_FALSE(fs::exists(site_.state()));
}

TEST_F(CanaryStart, NoMistakeInWordsAndVariablesIsToldWithItsValue) {
    const std::vector<std::vector<std::string>> mistakes{{"--database-url", "postgres://u:CANARY@h/d"},
                                                         {"--database-url=postgres://u:CANARY@h/d"},
                                                         {"--admin-key=CANARY"},
                                                         {"--admin-key", "CANARY"},
                                                         {"--master-key", "CANARY", "--listen", "127.0.0.1:0"}};
    for (std::vector<std::string> words : mistakes) {
        const std::string name = words.front() + " of serve";
        for (std::string& word : words) {
            if (word.contains("CANARY")) word = with(word, plant(name));
        }
        EXPECT_EQ(site_.run_to_end(words), 2) << name;
        expect_clean("the complaint about " + name, new_log());
    }
    for (const std::string name : {"BROKERDB", "HOST", "PORT"}) {
        EXPECT_EQ(site_.run_to_end({}, {{name, "postgres://u:" + plant(name) + "@h/d"}}), 2) << name;
        expect_clean("the complaint about " + name, new_log());
    }
}

TEST_F(CanaryStart, NoFileOfAKeyIsToldWithWhatIsInIt) {
    state_file("admin.key", "slk_" + plant("a wrong administrator's key") + " " + plant("a second word") + "\n");
    EXPECT_NE(site_.run_to_end({"--listen", "127.0.0.1:0"}), 0);
    EXPECT_THAT(site_.log(), HasSubstr("admin.key"));
    state_file("admin.key", std::string(43, 'x'));
    state_file("master.key", plant("a wrong master key") + "\n");
    fs::remove_all(site_.state() + "/store");
    EXPECT_NE(site_.run_to_end({"--listen", "127.0.0.1:0"}), 0);
    EXPECT_THAT(site_.log(), HasSubstr("master.key"));
    const http::test::TestAuthority authority;
    pems_.write(authority.issue());
    const std::vector<std::string> pair{"--tls-cert", pems_.certificate(), "--tls-key", pems_.key()};
    pems_.write("key.pem",
                "-----BEGIN PRIVATE KEY-----\n" + plant("a wrong TLS key") + "\n-----END PRIVATE KEY-----\n");
    EXPECT_EQ(site_.run_to_end(pair), 2);
    EXPECT_THAT(site_.log(), HasSubstr("key.pem"));
    pems_.write("key.pem", plant("no TLS key at all"));
    EXPECT_EQ(site_.run_to_end(pair), 2);
    expect_clean("the complaints about files", site_.log());
}

TEST_F(CanaryStart, NoMistakeOnTheCommandLineIsToldWithItsValue) {
    const std::vector<std::vector<std::string>> mistakes{{"ls", "--key", "CANARY"},
                                                         {"ls", "--key=CANARY"},
                                                         {"ls", "--token", "CANARY", "--json"},
                                                         {"--key", "CANARY", "ls"},
                                                         {"ls", "--password=CANARY"},
                                                         {"ls", "-k", "CANARY"},
                                                         {"ls", "--server", "http://u:CANARY@127.0.0.1:1"},
                                                         {"ls", "--server", "http://127.0.0.1:1/?key=CANARY"},
                                                         {"ls", "--server", "http://127.0.0.1:1/#CANARY"},
                                                         {"ls", "--server", "u:CANARY@127.0.0.1:1"},
                                                         {"doctor", "--server", "http://u:CANARY@127.0.0.1:1"}};
    for (std::vector<std::string> words : mistakes) {
        std::string name = "slipway";
        for (const std::string& word : words) name += " " + word;
        for (std::string& word : words) {
            if (word.contains("CANARY")) word = with(word, plant(name));
        }
        const Ended ended = run(words, {{"SLIPWAY_KEY", plant("a key that is not asked for")}});
        EXPECT_NE(ended.status, 0) << name;
        EXPECT_NE(ended.err + ended.out, "") << name;
        expect_clean("the complaint about " + name, ended.out + ended.err);
    }
    const std::string address = "http://u:" + plant("the address in the environment") + "@127.0.0.1:1";
    const Ended ended = run({"ls"}, {{"SLIPWAY_URL", address}, {"SLIPWAY_KEY", plant("a key that nobody gets")}});
    EXPECT_EQ(ended.status, 2) << ended.err;
    expect_clean("the complaint about SLIPWAY_URL", ended.out + ended.err);
    const Ended nobody =
        run({"ls", "--server", "http://127.0.0.1:1"}, {{"SLIPWAY_KEY", plant("a key for nobody")}});
    EXPECT_EQ(nobody.status, 5) << nobody.err;
    expect_clean("the complaint about a server that is not there", nobody.out + nobody.err);
}

}  // namespace
}  // namespace slipway::testing
