// Names and passwords that would do harm where they were put into a command, a configuration or a file of another
// syntax: a machine takes exactly what was asked for. "Running" is said after a real SSH login with both.
#include <gmock/gmock.h>

#include "libvirt_subject.h"

namespace slipway::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct Login {
    std::string name;
    std::string password;
};

class MachinesLogin : public ::testing::Test {
  protected:
    // Files of the machine that hold the text, but for what the guest itself writes to its disk.
    [[nodiscard]] std::vector<std::string> files_with(const std::string& machine, const std::string& text) const {
        std::vector<std::string> found;
        for (const fs::directory_entry& each : fs::recursive_directory_iterator(subject_.directory(machine))) {
            if (each.is_regular_file() && file_text(each.path()).contains(text)) found.push_back(each.path());
        }
        return found;
    }

    LibvirtSubject subject_;
};

TEST_F(MachinesLogin, IsTakenExactlyHoweverHostileItIs) {
    const std::vector<Login> logins{{"_x-1", R"($(reboot)`halt`; rm -rf / #"'\ & | > < * ? ! ~ %s %n)"},
                                    {"abcdefghijklmnopqrstuvwxyz012345",
                                     "null\xc3\xa9: {a: b} - [c] \xf0\x9f\x92\xa5 #cloud-config %YAML ::$6$x$y"},
                                    {"a", std::string(100, ':')}};
    int number = 0;
    for (const Login& login : logins) {
        const std::string machine = fmt::format("oct-{}", ++number);
        Spec spec = subject_.spec();
        spec.parameters["username"] = login.name;
        spec.secrets = {{"password", Secret(login.password)}};
        ProviderAnswer seen;
        EXPECT_TRUE(eventually([&] {
            seen = subject_.run(subject_.libvirt().create(target_of(machine), spec, 8s));
            return !seen || seen->presence == Presence::running;
        })) << login.name;
        ASSERT_TRUE(seen) << login.name << ": " << seen.error().message;
        EXPECT_TRUE(seen->proven) << login.name;
        EXPECT_THAT(files_with(machine, login.password), ::testing::IsEmpty());
        EXPECT_FALSE(fs::exists(subject_.directory(machine) + "/data/seed.iso")) << "its hash";
        // Another password, and the same one but for its end, are refused: nobody is let in by anything.
        for (const std::string& other :
             {std::string("other"), login.password.substr(0, login.password.size() - 1)}) {
            Spec wrong = spec;
            wrong.secrets = {{"password", Secret(other)}};
            const ProviderAnswer refused = subject_.run(subject_.libvirt().observe(target_of(machine), wrong, 8s));
            EXPECT_FALSE(refused && refused->proven) << login.name;
        }
        const ProviderAnswer gone = subject_.run(subject_.libvirt().remove(target_of(machine), spec, 8s));
        EXPECT_TRUE(gone && gone->presence == Presence::absent);
    }
    EXPECT_THAT(subject_.leftovers(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace slipway::testing
