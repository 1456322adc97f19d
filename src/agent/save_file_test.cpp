#include "agent/save_file.h"

#include <cstring>

#include <fcntl.h>
#include <gmock/gmock.h>

#include "agent/testing.h"

namespace slipway::agent {
namespace {

using slipway::testing::TempRoot;
using ::testing::HasSubstr;

class SaveFileTest : public ::testing::Test {
  protected:
    Answer<SaveFile> read(const std::string& content) const {
        const std::string path = temp_.path() + "/state";
        std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
        const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        return read_save_file(file.get());
    }
    std::string fault(const std::string& content) const {
        const Answer<SaveFile> answer = read(content);
        return answer ? "" : answer.error().message;
    }
    // The head with one of its numbers changed.
    static std::string with(std::size_t place, std::uint32_t number) {
        std::string text = save_file_head("<domain/>", "<cookie/>") + "state";
        std::memcpy(text.data() + 16 + place * sizeof number, &number, sizeof number);
        return text;
    }

    TempRoot temp_;
};

TEST_F(SaveFileTest, IsReadAsItWasWritten) {
    for (const std::string note : {"<cookie/>", ""}) {
        const std::string head = save_file_head("<domain>\n</domain>\n", note);
        const Answer<SaveFile> found = read(head + "what QEMU wrote");
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(found->description, "<domain>\n</domain>\n");
        EXPECT_EQ(found->note, note);
        EXPECT_EQ(found->state, head.size());
    }
}

// libvirt leaves room behind the texts, to be able to change them in their place.
TEST_F(SaveFileTest, MayHaveRoomBehindItsTexts) {
    const std::string padded = save_file_head(std::string("<domain/>\0\0\0\0\0\0", 15), "<cookie/>");
    const Answer<SaveFile> found = read(padded);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->description, "<domain/>");
    EXPECT_EQ(found->note, "<cookie/>");
    EXPECT_EQ(found->state, padded.size());
}

// Whoever breaks out of a guest may write such a file.
TEST_F(SaveFileTest, HostileOnesAreRefused) {
    const std::string good = save_file_head("<domain/>", "<cookie/>");
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_THAT(fault(good.substr(0, length)), HasSubstr("this is no saved state")) << length;
    }
    EXPECT_EQ(fault(good), "");
    std::string unfinished = good;
    unfinished.replace(0, 16, "LibvirtQemudPart");
    EXPECT_THAT(fault(unfinished), HasSubstr("written to its end"));
    EXPECT_THAT(fault(std::string(1'000, 'x')), HasSubstr("written to its end"));
    EXPECT_THAT(fault(with(0, 3)), HasSubstr("of another version"));
    EXPECT_THAT(fault(with(1, 0)), HasSubstr("do not fit together"));
    EXPECT_THAT(fault(with(1, 0xffff'ffff)), HasSubstr("do not fit together"));
    EXPECT_THAT(fault(with(1, 1'000'000)), HasSubstr("too short"));
    EXPECT_THAT(fault(with(1, 12)), HasSubstr("no end")) << "in the middle of the note";
    EXPECT_THAT(fault(with(3, 1)), HasSubstr("compressed"));
    EXPECT_THAT(fault(with(4, 20)), HasSubstr("do not fit together")) << "behind its own end";
    EXPECT_THAT(fault(with(4, 3)), HasSubstr("no end")) << "in the middle of the description";
    EXPECT_THAT(fault(save_file_head("", "")), HasSubstr("describes no machine"));
}

}  // namespace
}  // namespace slipway::agent
