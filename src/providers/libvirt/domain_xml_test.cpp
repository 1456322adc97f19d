#include "providers/libvirt/domain_xml.h"

#include <gmock/gmock.h>
#include <pugixml.hpp>

namespace slipway::libvirt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using machines::shape_of;

const machines::Net kNet = machines::own_net(boost::asio::ip::make_network_v4("10.213.0.0/24"));

Target target(std::uint64_t generation = 1) {
    return {InstallationId("ins_1"), ResourceId("res_1"), "oct-12345678", generation, "token", {}};
}

Spec spec() {
    Spec spec;
    spec.kind = Kind::machine;
    spec.engine = "vm";
    spec.parameters = {{"image", "tiny"},
                       {"cpus", 2},
                       {"memory", std::int64_t{128} << 20U},
                       {"disk", std::int64_t{1} << 30U},
                       {"username", "suitepad"}};
    spec.allocations = {{"address", boost::asio::ip::make_address_v4("10.213.0.7").to_uint()}};
    return spec;
}

Image image() { return {"tiny@0123", "x86_64", "vmlinuz", "initrd", "console=ttyS0 quiet", 64U << 20U}; }

TEST(Domain, IsDescribedToLibvirtByItsPlan) {
    const auto shape = shape_of(target(), spec(), kNet);
    ASSERT_TRUE(shape);
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(domain_xml(*shape, image(), {false, true, "tag"}).c_str()));
    const pugi::xml_node domain = document.child("domain");
    EXPECT_STREQ(domain.attribute("type").value(), "qemu");
    EXPECT_STREQ(domain.child_value("name"), "oct-12345678");
    EXPECT_STREQ(domain.child_value("memory"), "131072");
    EXPECT_STREQ(domain.child_value("vcpu"), "2");
    EXPECT_STREQ(domain.child("os").child_value("kernel"), "/mnt/images/tiny@0123/vmlinuz");
    const pugi::xml_node devices = domain.child("devices");
    EXPECT_STREQ(devices.child("disk").child("source").attribute("file").value(),
                 "/mnt/instances/oct-12345678/data/disk.qcow2");
    EXPECT_STREQ(devices.child("interface").child("target").attribute("dev").value(), "m0ad50007");
    EXPECT_EQ(mark_in(domain_xml(*shape, image(), {false, true, "tag"})).tag, "tag");
    EXPECT_FALSE(mark_in(domain_xml(*shape, image(), {false, true, "tag"})).restored);
    EXPECT_THAT(domain_xml(*shape, image(), {false, false, "tag"}), Not(HasSubstr("seed.iso")));
    Image own_loader = image();
    own_loader.kernel.clear();
    EXPECT_THAT(domain_xml(*shape, own_loader, {}), HasSubstr("<boot dev=\"hd\""));
}

// Everything that a guest sees of its hardware has to be the same, or its state cannot be restored.
TEST(Domain, ThatIsRestoredDiffersFromItsTemplateInNamesAlone) {
    Image waits = image();
    waits.warm_cmdline = "quiet slipway.warm";
    const auto shape = shape_of(target(), spec(), kNet);
    ASSERT_TRUE(shape);
    const auto xml = [&](Begin begin) { return domain_xml(*shape, waits, {false, true, "tag", begin}); };
    EXPECT_THAT(xml(Begin::wait), HasSubstr("<cmdline>quiet slipway.warm random.trust_cpu=off"));
    EXPECT_THAT(xml(Begin::restore), HasSubstr("<cmdline>console=ttyS0 quiet</cmdline>")) << "of a later start";
    EXPECT_TRUE(mark_in(xml(Begin::restore)).restored);
    EXPECT_EQ(mark_in(xml(Begin::restore)).tag, "tag");
    const auto devices = [](const std::string& text) { return text.substr(text.find("<features")); };
    EXPECT_EQ(devices(xml(Begin::wait)), devices(xml(Begin::restore)));
    EXPECT_EQ(devices(xml(Begin::boot)), devices(xml(Begin::restore)));
}

TEST(Domain, ItsTagChangesWithItsPlanAndWithNothingElse) {
    const auto tag = [](const Spec& of) { return tag_of(*shape_of(target(), of, kNet), image()); };
    Spec larger = spec();
    larger.parameters["memory"] = std::int64_t{256} << 20U;
    Spec renamed = spec();
    renamed.tags["Name"] = "another";
    EXPECT_EQ(tag(spec()), tag(spec()));
    EXPECT_NE(tag(spec()), tag(larger));
    EXPECT_EQ(tag(spec()), tag(renamed));
}

}  // namespace
}  // namespace slipway::libvirt
