#include "agent/shared_memory.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slipway::agent {
namespace {

// As its owner: a helper that is root may yet lack the right to remove what is somebody else's.
void remove_segments(const std::vector<int>& segments, uid_t owner) {
    if (segments.empty()) return;
    const pid_t child = ::geteuid() == owner ? 0 : ::fork();
    if (child > 0) ::waitpid(child, nullptr, 0);
    if (child != 0) return;
    const bool forked = ::geteuid() != owner;
    if (forked && ::setresuid(owner, owner, owner) != 0) ::_exit(1);
    for (const int each : segments) ::shmctl(each, IPC_RMID, nullptr);
    if (forked) ::_exit(0);
}

}  // namespace

void clear_shared_memory(int instance_directory, uid_t uid, bool uid_is_its_own) {
    struct stat data{};
    if (::fstatat(instance_directory, "data", &data, AT_SYMLINK_NOFOLLOW) != 0) return;
    const auto key_of_data = static_cast<key_t>(data.st_ino);
    std::ifstream table("/proc/sysvipc/shm");
    std::string line;
    std::vector<int> left;
    std::getline(table, line);  // the heading
    while (std::getline(table, line)) {
        std::istringstream words(line);
        key_t key = 0;
        int id = 0;
        std::string permissions;
        std::uint64_t size = 0;
        pid_t creator = 0;
        pid_t last = 0;
        std::uint64_t attached = 0;
        uid_t owner = 0;
        words >> key >> id >> permissions >> size >> creator >> last >> attached >> owner;
        if (!words || attached != 0 || owner != uid) continue;
        if (uid_is_its_own || key == key_of_data) left.push_back(id);
    }
    remove_segments(left, uid);
}

}  // namespace slipway::agent
