#include "providers/playbooks/playbook_provider.h"

#include <fmt/format.h>
#include <unistd.h>

#include "domain/machine.h"
#include "providers/playbooks/leftovers.h"
#include "providers/provider_error.h"

namespace slipway::playbooks {
namespace {

namespace fs = std::filesystem;

constexpr Duration kLookAtStop = std::chrono::milliseconds(50);

// The playbook that has to be run before anybody uses the machine; none: there is none, or it has been.
std::optional<Playbook> to_be_run(const Spec& spec) {
    if (secret_of(spec, kMachinePassword).empty()) return std::nullopt;
    return playbook_of(spec);
}

bool well(const std::optional<JobView>& view) {
    return view && view->finished && view->finished->how == Finished::How::well;
}

std::optional<ProviderError> cannot_run(const Programs& programs, const Playbook& playbook) {
    if (const auto lacking = missing(programs)) {
        return provider_error(ErrorClass::permanent, "its plan has a playbook, and " + lacking->what, lacking->fix);
    }
    if (::access(playbook.file.c_str(), R_OK) != 0) {
        return provider_error(ErrorClass::permanent, "the playbook of its plan cannot be read",
                              playbook.file.string());
    }
    return std::nullopt;
}

}  // namespace

PlaybookProvider::PlaybookProvider(PlaybookOptions options, Jobs& jobs, Provider& machines)
    : options_(std::move(options)), jobs_(jobs), inner_(machines) {}

void PlaybookProvider::clear(const fs::path& directory) {
    end_leftovers(directory);
    std::error_code ignored;
    fs::remove_all(directory, ignored);
}

std::string PlaybookProvider::job_of(const Target& target) const {
    return fmt::format("{}/{}", name(), target.external_name);
}

bool PlaybookProvider::drop(const Target& target) {
    if (!jobs_.drop(job_of(target))) return false;
    where_.erase(job_of(target));
    return true;
}

Observation PlaybookProvider::pending(const JobView& view, const Target& target, const Playbook& playbook) const {
    Observation seen;
    seen.presence = Presence::pending;
    seen.look_again = look_again(view);
    const auto known = where_.find(job_of(target));
    const std::string where = known == where_.end() ? "" : known->second->get();
    if (!view.running) {
        seen.detail =
            fmt::format("waiting for its turn to run the playbook {} ({} before it)", playbook.name(), view.before);
    } else if (where.empty()) {
        seen.detail = fmt::format("running the playbook {}", playbook.name());
    } else {
        seen.detail = fmt::format("running the playbook {}: {}", playbook.name(), where);
    }
    return seen;
}

Task<ProviderAnswer> PlaybookProvider::observe(Target target, Spec spec, Duration budget) {
    const std::optional<Playbook> playbook = to_be_run(spec);
    if (!playbook) {
        drop(target);  // what is known of a run whose end is recorded
        co_return co_await inner_.observe(std::move(target), std::move(spec), budget);
    }
    const auto view = jobs_.look(job_of(target));
    if (view && !view->finished) co_return pending(*view, target, *playbook);
    if (view && view->finished->how == Finished::How::never) {
        Observation seen;
        seen.presence = Presence::failed;
        seen.detail = view->finished->why;
        co_return seen;
    }
    ProviderAnswer seen = co_await inner_.observe(std::move(target), std::move(spec), budget);
    if (seen && seen->presence == Presence::running && !well(view)) seen->unfinished = true;
    co_return seen;
}

Task<ProviderAnswer> PlaybookProvider::create(Target target, Spec spec, Duration budget) {
    const Deadline deadline(budget);
    const std::optional<Playbook> playbook = to_be_run(spec);
    if (!playbook) co_return co_await inner_.create(std::move(target), std::move(spec), budget);
    // Known before there is a machine, rather than when it has booted.
    if (auto error = cannot_run(options_.find(), *playbook)) co_return std::unexpected(std::move(*error));
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(target.external_name, deadline);
    if (!guard) co_return refuse(ErrorClass::transient, "another call for the same name is still under way");
    const auto view = jobs_.look(job_of(target));
    if (view && !view->finished) co_return pending(*view, target, *playbook);
    if (view && !well(view)) {
        const Finished finished = *view->finished;
        if (finished.how == Finished::How::never) {
            co_return refuse(ErrorClass::permanent, finished.why, finished.detail);
        }
        drop(target);
        co_return refuse(ErrorClass::transient, finished.why, finished.detail);
    }
    ProviderAnswer made = co_await inner_.create(target, spec, deadline.left());
    // A run that ended well is remembered until its end is recorded, so that it is not repeated for a lost answer.
    if (!made || made->presence != Presence::running || well(view)) co_return made;
    co_return begin(target, spec, *playbook, *made);
}

ProviderAnswer PlaybookProvider::begin(const Target& target, const Spec& spec, const Playbook& playbook,
                                       const Observation& made) {
    const std::string fingerprint = json::get_string(made.handle, "host_key");
    if (!made.endpoint || fingerprint.empty()) {
        return refuse(ErrorClass::permanent, "its provider does not tell the host key that a playbook needs");
    }
    Play what;
    what.programs = options_.find();
    what.playbook = playbook;
    what.machine = {target.external_name, made.endpoint->host, made.endpoint->port,
                    json::get_string(spec.parameters, kUsername)};
    what.fingerprint = fingerprint;
    what.password = secret_of(spec, kMachinePassword);
    what.files.directory = options_.directory / target.external_name;
    what.log = target.log;
    what.on_played = options_.on_played;
    where_[job_of(target)] = what.where;
    jobs_.start(job_of(target), 0, [what = std::move(what)](JobSide& side) { return play(side, what); });
    return pending(jobs_.look(job_of(target)).value_or(JobView{}), target, playbook);
}

Task<ProviderAnswer> PlaybookProvider::remove(Target target, Spec spec, Duration budget) {
    if (!drop(target)) {
        Observation going;
        going.presence = Presence::deleting;
        going.detail = "its playbook is being stopped";
        going.look_again = kLookAtStop;
        co_return going;
    }
    co_return co_await inner_.remove(std::move(target), std::move(spec), budget);
}

}  // namespace slipway::playbooks
