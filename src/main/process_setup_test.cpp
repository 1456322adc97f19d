#include "main/process_setup.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace slipway {
namespace {

// In a process of its own: what it gives up does not come back. Its exit status tells what failed.
[[noreturn]] void harden_and_look(void (*harden)()) {
    harden();
    rlimit core{1, 1};
    ::getrlimit(RLIMIT_CORE, &core);
    if (core.rlim_cur != 0 || core.rlim_max != 0) std::_Exit(1);
    if (::prctl(PR_GET_DUMPABLE) != 0) std::_Exit(2);
    std::string filter;
    std::ifstream("/proc/self/coredump_filter") >> filter;
    // The file is root's now.
    if (::geteuid() == 0 && filter != "00000000") std::_Exit(3);
    std::_Exit(0);
}

// Memory holds keys and passwords. Not even a program that the system gives dumps to (core_pattern) gets them.
TEST(ProcessSetup, LeavesNothingToDumpAndNobodyToTrace) {
    EXPECT_EXIT(harden_and_look(harden_process), ::testing::ExitedWithCode(0), "");
    EXPECT_EXIT(harden_and_look(forbid_dumps), ::testing::ExitedWithCode(0), "") << "a command's, too";
}

}  // namespace
}  // namespace slipway
