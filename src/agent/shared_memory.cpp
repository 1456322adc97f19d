#include "agent/shared_memory.h"

#include <fstream>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <sys/shm.h>
#include <sys/stat.h>

namespace slipway::agent {

void clear_shared_memory(int instance_directory, uid_t uid, bool uid_is_its_own) {
    struct stat data{};
    if (::fstatat(instance_directory, "data", &data, AT_SYMLINK_NOFOLLOW) != 0) return;
    const auto key_of_data = static_cast<key_t>(data.st_ino);
    std::ifstream table("/proc/sysvipc/shm");
    std::string line;
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
        if (uid_is_its_own || key == key_of_data) ::shmctl(id, IPC_RMID, nullptr);
    }
}

}  // namespace slipway::agent
