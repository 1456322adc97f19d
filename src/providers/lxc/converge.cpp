// create and update, observe, remove: look, do the next thing that is missing, and be asked again while something
// takes its time.
#include <fmt/format.h>

#include "base/digest.h"
#include "base/log.h"
#include "providers/lxc/call.h"
#include "providers/machines/instance.h"
#include "providers/machines/password_hash.h"

namespace slipway::lxc {
namespace {

using machines::Greeted;
using machines::Greeting;

constexpr Duration kLookAgain = std::chrono::milliseconds(50);
constexpr Duration kListens = std::chrono::milliseconds(50);  // this very kernel answers
constexpr Duration kLookAtTurn = std::chrono::milliseconds(250);
constexpr Duration kLoginPatience = std::chrono::seconds(4);
constexpr Duration kShutDownPatience = std::chrono::seconds(20);
constexpr int kTries = 3;  // to boot, before it is said that it does not
constexpr std::size_t kTagLength = 32;
constexpr std::uint64_t kLeastDisk = std::uint64_t{64} << 20U;

Observation pending(std::string detail, Duration look_again = kLookAgain) {
    Observation seen;
    seen.presence = Presence::pending;
    seen.detail = std::move(detail);
    seen.look_again = look_again;
    return seen;
}

std::string turn_words(std::size_t before) {
    return before == 1 ? "waiting for its turn to boot: one is before it"
                       : fmt::format("waiting for its turn to boot: {} are before it", before);
}

// Changes whenever a container that runs has to be started again to be as its plan says.
std::string tag_of(const machines::Shape& shape) {
    return sha256(fmt::format("{} {} {}", shape.cpus, shape.memory, shape.address.to_string()))
        .substr(0, kTagLength);
}

}  // namespace

std::optional<ProviderError> LxcProvider::read_shape(Call& call, const std::string& made_of) const {
    auto shape = machines::shape_of(call.target, call.spec, options_.net);
    if (!shape) return shape.error();
    call.shape = std::move(*shape);
    call.shape.disk = std::max(call.shape.disk, kLeastDisk);
    Result<machines::Image> image = options_.find_image(made_of.empty() ? call.shape.image : made_of);
    if (!image) return provider_error(ErrorClass::permanent, image.error().message, image.error().detail);
    call.image = std::move(*image);
    if (call.image.rootfs) return std::nullopt;
    return provider_error(ErrorClass::permanent,
                          fmt::format("the image {} has no root file system for containers: only images that "
                                      "slipway builds have one",
                                      call.shape.image));
}

// It may have been replaced and removed since it was found.
std::optional<ProviderError> LxcProvider::hold_image(const Call& call) const {
    if (const Status held = options_.keeper.hold(call.image.directory, call.name()); !held) {
        return provider_error(ErrorClass::transient, "its image cannot be held", held.error().message);
    }
    if (const Result<machines::Image> still = options_.find_image(call.image.directory); !still) {
        return provider_error(ErrorClass::transient, still.error().message);
    }
    return std::nullopt;
}

// Its directory, with its disk.
Task<std::optional<ProviderAnswer>> LxcProvider::make(Call& call) {
    const auto password = call.spec.secrets.find("password");
    if (password == call.spec.secrets.end()) {
        co_return refuse(ErrorClass::permanent, "its password is forgotten: a machine cannot be made anew");
    }
    const auto hash = machines::password_hash(password->second, random_);
    if (!hash) co_return std::unexpected(hash.error());
    if (const auto lost = hold_image(call)) co_return std::unexpected(*lost);
    agent::Seed seed;
    seed.name = agent::kContainerSeedName;
    seed.image = call.image.directory;
    seed.disk_bytes = call.shape.disk;
    call.touched = true;
    const agent::Answer<bool> made =
        co_await agent_.create_instance(call.name(), meta(call), machines::seed_files(call.shape, *hash), false,
                                        call.deadline.left(), std::move(seed));
    if (!made) co_return std::unexpected(error_of(made.error(), true));
    co_return std::nullopt;
}

// Where it runs otherwise than it should, it is asked to end, and made to where it does not.
Task<ProviderAnswer> LxcProvider::stop_other(Call& call) {
    call.touched = true;
    const auto [asked, first] = halting_.try_emplace(call.name(), clock_.now());
    if (first) {
        const agent::Answer<bool> sent = co_await agent_.halt_container(call.name(), identity_of(call.target),
                                                                        call.init(), call.deadline.left());
        if (!sent) co_return std::unexpected(error_of(sent.error(), true));
    } else if (clock_.now() - asked->second > kShutDownPatience) {
        const agent::Answer<void> ended =
            co_await agent_.end_container(call.name(), identity_of(call.target), network_, call.deadline.left());
        if (!ended) co_return std::unexpected(error_of(ended.error(), true));
    }
    co_return pending("shutting down, to be started again as its plan says");
}

Task<std::optional<ProviderAnswer>> LxcProvider::boot(Call& call) {
    if (const std::size_t before = boots_.ask(call.name(), clock_.now()); before > 0) {
        co_return pending(turn_words(before), kLookAtTurn);
    }
    call.touched = true;
    if (int& tries = boots_tried_[call.name()]; ++tries > kTries) {
        tries = 0;
        boots_.leave(call.name());
        const agent::Answer<std::string> log = co_await agent_.log_tail(call.name(), call.deadline.left());
        co_return refuse(ErrorClass::transient, "the container ends as soon as it is started", log.value_or(""));
    }
    agent::ContainerRequest request;
    request.name = call.name();
    request.identity = identity_of(call.target);
    request.tag = tag_of(call.shape);
    request.network = network_;
    request.subnet = options_.net.subnet.to_string();
    request.gateway = options_.net.gateway.to_string();
    request.address = call.shape.address.to_string();
    request.mac = call.shape.mac;
    request.cpus = call.shape.cpus;
    request.memory = static_cast<std::int64_t>(call.shape.memory);
    request.init = call.init();
    const agent::Answer<agent::Started> started =
        co_await agent_.start_container(std::move(request), call.deadline.left());
    if (!started) co_return std::unexpected(error_of(started.error(), true));
    log::info("lxc", "a container boots", {{"machine", call.name()}, {"address", call.shape.address.to_string()}});
    co_return std::nullopt;
}

machines::LoginTry LxcProvider::login_of(const Call& call) const {
    machines::LoginTry wanted;
    wanted.address = call.shape.address.to_string();
    wanted.listens = kListens;
    wanted.user = json::get_string(call.spec.parameters, "username");
    wanted.password = secret_of(call.spec, "password");
    wanted.host_key = json::get_string(call.target.handle, "host_key");
    return wanted;
}

// Whether its login works, or, once that is forgotten, whether it is who it was.
Task<ProviderAnswer> LxcProvider::settle(Call& call) {
    machines::LoginTry wanted = login_of(call);
    const bool first = !wanted.password.empty();
    const Greeting greeting =
        co_await machines::greet(logins_, std::move(wanted), call.deadline.within(kLoginPatience));
    const bool settled = greeting.seen == Greeted::let_in || (!first && greeting.seen == Greeted::answered);
    if (!settled) co_return pending("booting: " + greeting.why);
    boots_.leave(call.name());
    boots_tried_.erase(call.name());
    const agent::Answer<void> dropped =
        co_await agent_.drop_volume(call.name(), identity_of(call.target), call.deadline.left());
    if (!dropped) co_return std::unexpected(error_of(dropped.error(), true));
    co_return machines::running(call.target, call.shape, greeting);
}

Task<ProviderAnswer> LxcProvider::do_converge(Call& call) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(call.name(), call.deadline.left());
    if (!status) co_return std::unexpected(error_of(status.error(), false));
    if (std::optional<Observation> foreign = not_ours(call.target, *status)) co_return std::move(*foreign);
    // What is gone cannot be changed; its disk cannot be made again either.
    if (!status->exists && call.verb == Verb::update) co_return Observation{};
    // It keeps what it was made of, whatever its image's name stands for now.
    const std::string made_of = status->exists ? json::get_string(status->meta, "image") : "";
    if (const auto wrong = read_shape(call, made_of)) co_return std::unexpected(*wrong);
    if (!status->exists) {
        if (auto answer = co_await make(call)) co_return std::move(*answer);
    } else if (json::get_string(status->meta, "address") != call.shape.address.to_string()) {
        // Of one that was lost and taken over: nobody else may be given the address that it has.
        co_return refuse(ErrorClass::permanent, "it was made with another address, which a machine keeps for life");
    }
    if (status->process && status->tag != tag_of(call.shape)) co_return co_await stop_other(call);
    halting_.erase(call.name());
    if (!status->process) {
        if (auto answer = co_await boot(call)) co_return std::move(*answer);
    }
    co_return co_await settle(call);
}

Task<ProviderAnswer> LxcProvider::do_observe(Call& call) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(call.name(), call.deadline.left());
    if (!status) co_return std::unexpected(error_of(status.error(), false));
    if (std::optional<Observation> foreign = not_ours(call.target, *status)) co_return std::move(*foreign);
    Observation answer;
    if (!status->exists) {
        // An attempt to make it that came to nothing holds no image.
        if (const auto held = machines::release_image(options_.keeper, call.name()))
            co_return std::unexpected(*held);
        co_return answer;
    }
    if (!status->held) {
        answer.presence = Presence::stopped;
        answer.detail = "the container is not running";
        co_return answer;
    }
    boost::system::error_code error;
    call.shape.address = boost::asio::ip::make_address_v4(json::get_string(status->meta, "address"), error);
    co_return co_await look_who_answers(call);
}

Task<ProviderAnswer> LxcProvider::look_who_answers(Call& call) {
    machines::LoginTry wanted = login_of(call);
    const bool known = !wanted.host_key.empty();
    const Greeting greeting =
        co_await machines::greet(logins_, std::move(wanted), call.deadline.within(kLoginPatience));
    if (greeting.seen == Greeted::let_in || (known && greeting.seen == Greeted::answered)) {
        Observation seen = machines::running(call.target, call.shape, greeting);
        // The files that told it who it is have to go, which is no business of a look.
        seen.unfinished = greeting.seen == Greeted::let_in;
        co_return seen;
    }
    // Before its first login nobody can say who answers.
    co_return pending(greeting.seen == Greeted::answered ? "it runs, and who it is was never seen"
                                                         : "it runs: " + greeting.why);
}

Task<ProviderAnswer> LxcProvider::do_remove(Call& call) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(call.name(), call.deadline.left());
    if (!status) co_return std::unexpected(error_of(status.error(), false));
    if (std::optional<Observation> foreign = not_ours(call.target, *status)) co_return std::move(*foreign);
    boots_.leave(call.name());
    boots_tried_.erase(call.name());
    halting_.erase(call.name());
    call.touched = true;
    if (status->exists) {
        const agent::Answer<void> ended =
            co_await agent_.end_container(call.name(), identity_of(call.target), network_, call.deadline.left());
        if (!ended) co_return std::unexpected(error_of(ended.error(), true));
        const agent::Answer<void> tap =
            co_await agent_.remove_tap(network_, json::get_string(status->meta, "address"), call.deadline.left());
        if (!tap) co_return std::unexpected(error_of(tap.error(), true));
    }
    const agent::Answer<void> removed =
        co_await agent_.remove_instance(call.name(), identity_of(call.target), call.deadline.left());
    if (!removed) co_return std::unexpected(error_of(removed.error(), true));
    if (const auto held = machines::release_image(options_.keeper, call.name())) co_return std::unexpected(*held);
    co_return Observation{};
}

}  // namespace slipway::lxc
