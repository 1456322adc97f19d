#include "providers/dummy/dummy_provider.h"
#include "subject.h"

namespace slipway::testing {
namespace {

class DummySubject final : public Subject {
  public:
    explicit DummySubject(dummy::Names names) : names_(names) { crash(); }

    void crash() override {
        dummy::DummyOptions options;
        options.names = names_;
        options.secrets = {"management_password"};
        provider_ = std::make_unique<dummy::DummyProvider>(options, world_, scheduler_);
    }
    Provider& provider() override { return *provider_; }
    Spec spec() override {
        Spec spec;
        spec.engine = "redis";
        spec.allocations = {{"port", 20'000 + ++port_}};
        spec.secrets = {{"password", Secret(kTenantCanary)}, {"management_password", Secret(kManagementCanary)}};
        return spec;
    }
    std::string picture() override {
        std::string text;
        for (const auto& [id, thing] : world_.things()) {
            text += fmt::format("{} {} {} {} {} {}\n", id, thing.external_name, thing.resource.str(),
                                thing.generation, static_cast<int>(thing.presence), thing.updates);
        }
        return text;
    }
    std::string identity(const std::string& name) override {
        std::string text;
        for (const dummy::Thing& each : world_.named(name)) text += fmt::format("{} ", each.id);
        return text;
    }
    void plant_foreign(const std::string& name) override {
        dummy::Thing thing;
        thing.external_name = name;
        thing.installation = InstallationId("ins_other");
        thing.resource = ResourceId("res_other");
        thing.generation = 1;
        thing.token = "other";
        planted_ = world_.add(thing).id;
    }
    void unplant_foreign(const std::string&) override { world_.erase(planted_); }
    void make_stop(const std::string& name) override { provider_->kill(name); }
    std::vector<std::string> leftovers() override {
        std::vector<std::string> left;
        for (const auto& [id, thing] : world_.things()) left.push_back(thing.external_name);
        return left;
    }
    [[nodiscard]] bool unique_names() const override { return names_ == dummy::Names::strict; }

  private:
    dummy::Names names_;
    dummy::World world_;
    AsioScheduler scheduler_;
    std::unique_ptr<dummy::DummyProvider> provider_;
    std::uint64_t planted_ = 0;
    std::int64_t port_ = 0;
};

}  // namespace

std::unique_ptr<Subject> make_dummy_strict() { return std::make_unique<DummySubject>(dummy::Names::strict); }
std::unique_ptr<Subject> make_dummy_token() { return std::make_unique<DummySubject>(dummy::Names::token); }

}  // namespace slipway::testing
