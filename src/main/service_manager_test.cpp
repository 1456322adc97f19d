// What a service manager reads on its socket.
#include "main/service_manager.h"

#include <array>
#include <cstddef>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/temporary_directory_test_support.h"

namespace slipway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The manager's end.
class Manager {
  public:
    explicit Manager(const std::string& name) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name.copy(address.sun_path, sizeof address.sun_path - 1);
        if (name.front() == '@') address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    }
    ~Manager() { ::close(fd_); }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    // Datagrams on one machine are there as soon as they are sent.
    [[nodiscard]] std::string read() const {
        std::array<char, 512> bytes{};
        const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        return size < 0 ? "" : std::string(bytes.data(), static_cast<std::size_t>(size));
    }

  private:
    int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

class ServiceManagerTest : public ::testing::Test {
  protected:
    TemporaryDirectory directory_;
    std::string place_ = directory_.path();
};

TEST_F(ServiceManagerTest, IsToldByPathAndByAbstractName) {
    for (const std::string& name : {place_ + "/notify", fmt::format("@slipway-notify-{}", ::getpid())}) {
        const Manager manager(name);
        const ServiceManager service(name);
        service.ready("listening on 127.0.0.1:3000");
        EXPECT_EQ(manager.read(), "READY=1\nSTATUS=listening on 127.0.0.1:3000");
        service.reloading();
        EXPECT_THAT(manager.read(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
        service.stopping();
        EXPECT_THAT(manager.read(), HasSubstr("STOPPING=1"));
    }
}

TEST_F(ServiceManagerTest, NobodyToTellIsNoFaultAndAGoneManagerIsAWarning) {
    std::vector<std::string> lines;
    log::capture([&](std::string_view line) { lines.emplace_back(line); });
    ServiceManager("").ready("x");
    EXPECT_TRUE(lines.empty());
    ServiceManager(place_ + "/nobody").ready("x");
    ServiceManager(std::string(200, 'x')).stopping();
    log::capture({});
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_THAT(lines.front(), HasSubstr("cannot be told"));
}

}  // namespace
}  // namespace slipway
