// create and update, observe, remove: look, do the next thing that is missing, and be asked again while something
// takes its time.
#include <fmt/format.h>

#include "agent/world.h"
#include "base/log.h"
#include "providers/libvirt/call.h"
#include "providers/machines/instance.h"
#include "providers/machines/password_hash.h"

namespace slipway::libvirt {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(250);
constexpr Duration kLookAtTurn = std::chrono::milliseconds(500);
constexpr Duration kLoginPatience = std::chrono::seconds(4);  // emulated guests take their time to compute keys
constexpr Duration kWakePatience = std::chrono::seconds(30);  // of one that was restored, until its first login

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

}  // namespace

std::optional<ProviderError> LibvirtProvider::read_shape(Call& call, const std::string& made_of) const {
    auto shape = machines::shape_of(call.target, call.spec, options_.net);
    if (!shape) return shape.error();
    call.shape = std::move(*shape);
    Result<Image> image = options_.find_image(made_of.empty() ? call.shape.image : made_of);
    if (!image) return provider_error(ErrorClass::permanent, image.error().message, image.error().detail);
    call.image = std::move(*image);
    call.shape.disk = std::max(call.shape.disk, call.image.virtual_bytes);
    // What was made once runs, whatever its plan says by now.
    if (made_of.empty() && call.shape.warm && call.image.warm_cmdline.empty()) {
        return provider_error(
            ErrorClass::permanent,
            fmt::format("its plan wants machines restored from a saved state (warm), which the image {} "
                        "does not allow: only what `slipway images build tiny` makes does",
                        call.shape.image));
    }
    return std::nullopt;
}

// It may have been replaced and removed since it was found.
std::optional<ProviderError> LibvirtProvider::hold_image(const Call& call) const {
    if (const Status held = options_.keeper.hold(call.image.directory, call.name()); !held) {
        return provider_error(ErrorClass::transient, "its image cannot be held", held.error().message);
    }
    if (const Result<Image> still = options_.find_image(call.image.directory); !still) {
        return provider_error(ErrorClass::transient, still.error().message);
    }
    return std::nullopt;
}

// Its directory, with its disk.
Task<std::optional<ProviderAnswer>> LibvirtProvider::make(Call& call) {
    const auto password = call.spec.secrets.find("password");
    if (password == call.spec.secrets.end()) {
        co_return refuse(ErrorClass::permanent, "its password is forgotten: a machine cannot be made anew");
    }
    const auto hash = machines::password_hash(password->second, random_);
    if (!hash) co_return std::unexpected(hash.error());
    if (const auto lost = hold_image(call)) co_return std::unexpected(*lost);
    call.touched = true;
    const std::string from = call.shape.warm ? warm_.find(call.shape, call.image) : "";
    agent::Answer<bool> made = co_await make_disk(call, *hash, from);
    // Lost answers tell nothing; everything else left nothing behind.
    if (!made && !from.empty() && made.error().code != agent::FailureCode::unknown) {
        warm_.spoil(from);
        log::warning("libvirt", "a machine's disk could not be taken from its template, and is made without",
                     {{"machine", call.name()}, {"template", from}, {"why", made.error().message}});
        made = co_await make_disk(call, *hash, "");
    }
    if (!made) co_return std::unexpected(error_of(made.error(), true));
    co_return std::nullopt;
}

Task<agent::Answer<bool>> LibvirtProvider::make_disk(Call& call, const std::string& hash, std::string from) {
    agent::Seed seed;
    seed.name = agent::kMachineSeed;
    seed.image = call.image.directory;
    seed.disk_bytes = call.shape.disk;
    seed.from = from;
    call.from = std::move(from);
    co_return co_await agent_.create_instance(call.name(), meta(call), machines::seed_files(call.shape, hash),
                                              false, call.deadline.left(), std::move(seed));
}

// False: it has to be booted. Whether its state fits its disk the helper knows.
Task<Result<bool>> LibvirtProvider::wake(Call& call) {
    const Run run{kvm_, true, tag_of(call.shape, call.image), Begin::restore};
    agent::WakeRequest wanted{call.name(), identity_of(call.target), call.from,
                              domain_xml(call.shape, call.image, run)};
    const agent::Answer<agent::Wake> ready = co_await agent_.wake_machine(std::move(wanted), call.deadline.left());
    if (!ready) co_return fail(ErrorCode::provider_failure, ready.error().message);
    if (!ready->first) co_return false;
    if (!ready->ready) {
        warm_.spoil(call.from);
        log::warning("libvirt", "a machine cannot be restored from a saved state, and boots",
                     {{"machine", call.name()}, {"template", call.from}, {"why", ready->why}});
        co_return false;
    }
    const std::string file = fmt::format("{}/{}/data/{}", agent::kWorldInstances, call.name(), agent::kWakeState);
    const Status restored = co_await hypervisor_->restore(file, call.deadline);
    if (restored) co_return true;
    // What may have happened is found by the next look.
    if (restored.error().code != ErrorCode::provider_failure) co_return fail(restored.error());
    warm_.spoil(call.from);
    log::warning("libvirt", "a machine could not be restored from a saved state, and boots",
                 {{"machine", call.name()}, {"template", call.from}, {"why", restored.error().message}});
    co_return false;
}

// One that was restored and does not come to itself is booted from its disk.
Task<std::optional<ProviderAnswer>> LibvirtProvider::give_up_waking(Call& call) {
    const TimePoint now = clock_.now();
    const auto since = woken_.emplace(call.name(), now).first->second;
    if (now - since < kWakePatience) co_return std::nullopt;
    call.touched = true;
    if (const auto failed = co_await end_guest(call)) co_return std::unexpected(*failed);
    woken_.erase(call.name());
    warm_.spoil(call.from);
    log::warning("libvirt", "a machine that was restored from a saved state does not answer, and boots",
                 {{"machine", call.name()}, {"template", call.from}});
    co_return pending("it did not come to itself from the saved state, and boots");
}

// The helper kills it first: a QEMU that hangs does not listen to its daemon, which would wait for it.
Task<std::optional<ProviderError>> LibvirtProvider::end_guest(Call& call) {
    const agent::Answer<void> killed =
        co_await agent_.end_guest(call.name(), identity_of(call.target), network_, call.deadline.left());
    if (!killed && killed.error().code != agent::FailureCode::absent) co_return error_of(killed.error(), true);
    const Status ended = co_await hypervisor_->end(call.domain(), call.deadline);
    co_return ended ? std::nullopt : std::optional(error_of(ended.error(), true));
}

// Where it runs otherwise than it should, it is asked to shut down, and ended where it does not.
Task<ProviderAnswer> LibvirtProvider::stop_other(Call& call) {
    call.touched = true;
    const TimePoint asked = halting_.try_emplace(call.name(), clock_.now()).first->second;
    if (clock_.now() - asked > options_.shut_down) {
        if (const auto failed = co_await end_guest(call)) co_return std::unexpected(*failed);
    } else if (const Status sent = co_await hypervisor_->shut_down(call.domain(), call.deadline); !sent) {
        co_return std::unexpected(error_of(sent.error(), true));
    }
    co_return pending("shutting down, to be started again as its plan says");
}

Task<std::optional<ProviderAnswer>> LibvirtProvider::boot(Call& call) {
    if (const std::size_t before = boots_.ask(call.name(), clock_.now()); before > 0) {
        co_return pending(turn_words(before), kLookAtTurn);
    }
    call.touched = true;
    const agent::Answer<bool> volume =
        co_await agent_.add_volume(call.name(), identity_of(call.target), call.deadline.left());
    if (!volume) co_return std::unexpected(error_of(volume.error(), true));
    const agent::Answer<void> tap = co_await agent_.add_tap(
        {network_, call.shape.address.to_string(), call.shape.mac, uid_}, call.deadline.left());
    if (!tap) co_return std::unexpected(error_of(tap.error(), true));
    if (!call.from.empty()) {
        const Result<bool> woken = co_await wake(call);
        if (!woken) co_return std::unexpected(error_of(woken.error(), true));
        if (*woken) {
            log::info("libvirt", "a machine was restored from a saved state",
                      {{"machine", call.name()}, {"address", call.shape.address.to_string()}});
            co_return co_await settle(call, true);
        }
    }
    const std::string xml = domain_xml(call.shape, call.image, {kvm_, *volume, tag_of(call.shape, call.image)});
    if (const Status started = co_await hypervisor_->start(xml, call.deadline); !started) {
        co_return std::unexpected(error_of(started.error(), true));
    }
    log::info("libvirt", "a machine boots",
              {{"machine", call.name()}, {"address", call.shape.address.to_string()}});
    co_return std::nullopt;
}

// Whether its login works, or, once that is forgotten, whether it is who it was.
Task<ProviderAnswer> LibvirtProvider::settle(Call& call, bool restored) {
    machines::LoginTry wanted;
    wanted.address = call.shape.address.to_string();
    wanted.user = call.shape.login;
    wanted.password = secret_of(call.spec, "password");
    wanted.host_key = json::get_string(call.target.handle, "host_key");
    const bool first = !wanted.password.empty();
    const machines::Greeting greeting =
        co_await machines::greet(logins_, std::move(wanted), call.deadline.within(kLoginPatience));
    const bool settled =
        greeting.seen == machines::Greeted::let_in || (!first && greeting.seen == machines::Greeted::answered);
    if (!settled && restored && first) {
        if (auto answer = co_await give_up_waking(call)) co_return std::move(*answer);
    }
    if (!settled) co_return pending((restored ? "restored from a saved state: " : "booting: ") + greeting.why);
    woken_.erase(call.name());
    boots_.leave(call.name());
    const agent::Answer<void> dropped =
        co_await agent_.drop_volume(call.name(), identity_of(call.target), call.deadline.left());
    if (!dropped) co_return std::unexpected(error_of(dropped.error(), true));
    co_return machines::running(call.target, call.shape, greeting);
}

Task<ProviderAnswer> LibvirtProvider::do_converge(Call& call) {
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
    if (status->exists) call.from = json::get_string(status->meta, "template");
    const Result<DomainSeen> seen = co_await hypervisor_->look(call.domain(), call.deadline);
    if (!seen) co_return std::unexpected(error_of(seen.error(), call.touched));
    switch (seen->state) {
        case DomainState::foreign:
            co_return refuse(ErrorClass::conflict, "the daemon runs another machine of this name");
        case DomainState::stopping: co_return pending("shutting down");
        case DomainState::running:
            if (seen->tag == tag_of(call.shape, call.image)) break;
            co_return co_await stop_other(call);
        case DomainState::absent:
            halting_.erase(call.name());
            if (auto answer = co_await boot(call)) co_return std::move(*answer);
            break;
    }
    co_return co_await settle(call, seen->restored);
}

Task<ProviderAnswer> LibvirtProvider::do_observe(Call& call) {
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
    const Result<DomainSeen> seen = co_await hypervisor_->look(call.domain(), call.deadline);
    if (!seen) co_return std::unexpected(error_of(seen.error(), false));
    if (seen->state == DomainState::absent || seen->state == DomainState::foreign) {
        answer.presence = Presence::stopped;
        answer.detail = "the machine is not running";
        co_return answer;
    }
    if (seen->state == DomainState::stopping) co_return pending("shutting down");
    co_return co_await look_who_answers(call, json::get_string(status->meta, "address"));
}

Task<ProviderAnswer> LibvirtProvider::look_who_answers(Call& call, const std::string& address) {
    boost::system::error_code error;
    call.shape.address = boost::asio::ip::make_address_v4(address, error);
    machines::LoginTry wanted;
    wanted.address = address;
    wanted.user = json::get_string(call.spec.parameters, "username");
    wanted.password = secret_of(call.spec, "password");
    wanted.host_key = json::get_string(call.target.handle, "host_key");
    const bool known = !wanted.host_key.empty();
    const machines::Greeting greeting =
        co_await machines::greet(logins_, std::move(wanted), call.deadline.within(kLoginPatience));
    if (greeting.seen == machines::Greeted::let_in || (known && greeting.seen == machines::Greeted::answered)) {
        Observation seen = machines::running(call.target, call.shape, greeting);
        // Its volume has to go, which is no business of a look.
        seen.unfinished = greeting.seen == machines::Greeted::let_in;
        co_return seen;
    }
    // Before its first login nobody can say who answers.
    co_return pending(greeting.seen == machines::Greeted::answered ? "it runs, and who it is was never seen"
                                                                   : "it runs: " + greeting.why);
}

Task<ProviderAnswer> LibvirtProvider::do_remove(Call& call) {
    const agent::Answer<agent::InstanceStatus> status = co_await agent_.status(call.name(), call.deadline.left());
    if (!status) co_return std::unexpected(error_of(status.error(), false));
    if (std::optional<Observation> foreign = not_ours(call.target, *status)) co_return std::move(*foreign);
    halting_.erase(call.name());
    boots_.leave(call.name());
    woken_.erase(call.name());
    call.touched = true;
    if (const auto failed = co_await end_guest(call)) co_return std::unexpected(*failed);
    const std::string address = json::get_string(status->meta, "address");
    if (!address.empty()) {
        const agent::Answer<void> tap = co_await agent_.remove_tap(network_, address, call.deadline.left());
        if (!tap) co_return std::unexpected(error_of(tap.error(), true));
    }
    const agent::Answer<void> removed =
        co_await agent_.remove_instance(call.name(), identity_of(call.target), call.deadline.left());
    if (!removed) co_return std::unexpected(error_of(removed.error(), true));
    if (const auto held = machines::release_image(options_.keeper, call.name())) co_return std::unexpected(*held);
    co_return Observation{};
}

}  // namespace slipway::libvirt
