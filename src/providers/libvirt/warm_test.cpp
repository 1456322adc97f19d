#include "providers/libvirt/warm.h"

#include <gmock/gmock.h>

namespace slipway::libvirt {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

Shape shape() {
    Shape shape;
    shape.name = "oct-1";
    shape.uuid = "u";
    shape.memory = 96U << 20U;
    shape.disk = 256U << 20U;
    shape.login = "ada";
    shape.mac = "52:54:00:00:00:01";
    return shape;
}

Image warm_image() {
    Image image{"tiny@0123", "x86_64", "vmlinuz", "initrd", "quiet", 64U << 20U};
    image.warm_cmdline = "quiet slipway.warm";
    return image;
}

const WarmHost kHost{"QEMU 7.2.22, libvirt 9.0.0", "model: 1\n", false, 299'998};

TEST(WarmTemplate, IsOneForAllMachinesOfOneKind) {
    const std::string name = template_name(shape(), warm_image(), kHost);
    EXPECT_THAT(name, MatchesRegex("warm-[0-9a-f]{16}"));
    Shape other = shape();
    other.name = "oct-2";
    other.uuid = "v";
    other.login = "bob";
    other.mac = "52:54:00:00:00:02";
    other.address = boost::asio::ip::make_address_v4("10.213.0.9");
    EXPECT_EQ(template_name(other, warm_image(), kHost), name);
}

// A state that fits anything else would be restored with what it was not saved with.
TEST(WarmTemplate, IsAnotherForWhateverItsStateDependsOn) {
    std::set<std::string> names{template_name(shape(), warm_image(), kHost)};
    for (void (*change)(Shape&, Image&, WarmHost&) : {
             +[](Shape& of, Image&, WarmHost&) { of.cpus = 2; },
             +[](Shape& of, Image&, WarmHost&) { of.memory *= 2; },
             +[](Shape& of, Image&, WarmHost&) { of.disk *= 2; },
             +[](Shape&, Image& of, WarmHost&) { of.directory = "tiny@4567"; },
             +[](Shape&, Image& of, WarmHost&) { of.warm_cmdline += " more"; },
             +[](Shape&, Image&, WarmHost& of) { of.kvm = true; },
             +[](Shape&, Image&, WarmHost& of) { of.versions = "QEMU 7.2.23, libvirt 9.0.0"; },
             +[](Shape&, Image&, WarmHost& of) { of.processor = "model: 2\n"; },
         }) {
        Shape of = shape();
        Image on = warm_image();
        WarmHost host = kHost;
        change(of, on, host);
        names.insert(template_name(of, on, host));
    }
    EXPECT_EQ(names.size(), 9U);
}

TEST(WarmTemplate, KnowsAProcessorByWhatGuestsSeeOfIt) {
    const std::string told =
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 17\nmodel name\t: AMD EPYC\ncpu MHz\t\t: 2445.406\n"
        "flags\t\t: fpu vme\n\nprocessor\t: 1\nflags\t\t: other\n";
    const std::string processor = processor_of(told);
    EXPECT_THAT(processor, HasSubstr("AMD EPYC"));
    EXPECT_THAT(processor, HasSubstr("fpu vme"));
    EXPECT_THAT(processor, Not(HasSubstr("MHz"))) << "it changes by itself";
    EXPECT_THAT(processor, Not(HasSubstr("other"))) << "one stands for all";
    EXPECT_EQ(processor_of(""), "");
}

}  // namespace
}  // namespace slipway::libvirt
