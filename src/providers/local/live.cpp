// What LiveEngines asks of engines that run. Nothing here starts, changes or waits for one.
#include "providers/local/local_provider.h"

namespace slipway::local {
namespace {

constexpr std::uint32_t kMostLiveCalls = 64;  // at once; each is a connection to some engine

// Counts a call for as long as it is under way, however it ends.
class Counted {
  public:
    explicit Counted(std::uint32_t& count) : count_(count) { ++count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count_; }

  private:
    std::uint32_t& count_;
};

std::unexpected<Error> too_many() {
    return fail(ErrorCode::exhausted, "too many such requests are under way; try again");
}

}  // namespace

struct LocalProvider::Live {
    const Engine* engine = nullptr;
    Contact contact;
};

Task<Result<LocalProvider::Live>> LocalProvider::find_living(const Resource& resource, Deadline deadline) {
    const Engine* engine = engine_of(resource.kind, resource.engine);
    if (engine == nullptr) {
        co_return fail(ErrorCode::unavailable, fmt::format("the local provider knows no {}", resource.engine));
    }
    const agent::Answer<agent::InstanceStatus> status =
        co_await agent_.status(resource.external_name, deadline.left());
    if (!status) {
        co_return fail(ErrorCode::unavailable, "the helper process does not answer", status.error().message);
    }
    const agent::Identity identity{options_.installation.str(), resource.id.str(), resource.generation};
    const bool ours = status->exists && status->damage.empty() && agent::identity_of(status->meta) == identity;
    if (!ours || !status->process) co_return fail(ErrorCode::unavailable, "the engine does not run now");
    const auto port = static_cast<std::uint16_t>(json::get_int(status->meta, "port"));
    co_return Live{engine, Contact{options_.addresses.front(), port, *status->process, resource.generation, {}}};
}

Task<Result<std::vector<Statistic>>> LocalProvider::statistics(Resource resource, Duration budget) {
    if (live_calls_ >= kMostLiveCalls) co_return too_many();
    const Counted counted(live_calls_);
    const Deadline deadline(budget);
    const Result<Live> living = co_await find_living(resource, deadline);
    if (!living) co_return fail(living.error());
    co_return co_await living->engine->statistics(living->contact, deadline);
}

Task<Status> LocalProvider::flush(Resource resource, Duration budget) {
    if (live_calls_ >= kMostLiveCalls) co_return too_many();
    const Counted counted(live_calls_);
    const Deadline deadline(budget);
    const Result<Live> living = co_await find_living(resource, deadline);
    if (!living) co_return fail(living.error());
    co_return co_await living->engine->flush(living->contact, deadline);
}

}  // namespace slipway::local
