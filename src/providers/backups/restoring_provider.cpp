#include "providers/backups/restoring_provider.h"

#include "providers/backups/tenant_session.h"
#include "providers/backups/work.h"
#include "providers/provider_error.h"

namespace slipway::backups {
namespace {

// The backup that it was, or is to be, filled from.
std::string backup_of(const Spec& spec) { return json::get_string(spec.parameters, "restore_from"); }

// Whether it still has to be filled before anybody uses it.
bool to_be_filled(const Target& target, const Spec& spec) {
    return !backup_of(spec).empty() && json::get_string(target.handle, "restored").empty();
}

Observation pending(const JobView& view) {
    Observation seen;
    seen.presence = Presence::pending;
    seen.detail = words_of(view, "restored");
    seen.look_again = look_again(view);
    return seen;
}

Observation filled(Observation made, const Spec& spec) {
    if (made.presence == Presence::running && !backup_of(spec).empty()) made.handle["restored"] = backup_of(spec);
    return made;
}

Restored restored(const Target& target, const Observation& made) {
    return {target.external_name, target.generation, json::get_string(made.handle, "database"),
            json::get_string(made.handle, "user")};
}

}  // namespace

RestoringProvider::RestoringProvider(RestoringOptions options, Provider& databases, DatabaseServers& servers)
    : options_(std::move(options)),
      files_(options_.directory),
      inner_(databases),
      servers_(servers),
      jobs_(options_.at_once) {
    if (!options_.tls) options_.tls = std::make_shared<const sql::TlsSource>();
}

Task<ProviderAnswer> RestoringProvider::observe(Target target, Spec spec, Duration budget) {
    const Deadline deadline(budget);
    if (!to_be_filled(target, spec)) co_return co_await inner_.observe(std::move(target), std::move(spec), budget);
    if (const auto view = jobs_.look(target.external_name)) {
        if (!view->finished) co_return pending(*view);
        if (view->finished->how == Finished::How::never) {
            Observation seen;
            seen.presence = Presence::failed;
            seen.detail = view->finished->why;
            co_return seen;
        }
    }
    ProviderAnswer seen = co_await inner_.observe(target, spec, budget);
    if (!seen || seen->presence != Presence::running) co_return seen;
    const Marks marks = co_await marks_of(spec, deadline);
    if (!marks) co_return std::unexpected(marks.error());
    const auto mark = co_await (*marks)->look(restored(target, *seen), deadline);
    if (!mark) co_return std::unexpected(error_of(mark.error()));
    if (*mark == RestoreMark::done) co_return filled(std::move(*seen), spec);
    Observation waiting;
    waiting.presence = Presence::stopped;
    waiting.detail = "it is not filled from its backup yet";
    co_return waiting;
}

Task<ProviderAnswer> RestoringProvider::create(Target target, Spec spec, Duration budget) {
    const Deadline deadline(budget);
    if (!to_be_filled(target, spec)) co_return co_await inner_.create(std::move(target), std::move(spec), budget);
    const std::optional<NameLocks::Guard> guard = co_await locks_.acquire(target.external_name, deadline);
    if (!guard) co_return refuse(ErrorClass::transient, "another call for the same name is still under way");
    if (const auto view = jobs_.look(target.external_name)) {
        if (!view->finished) co_return pending(*view);
        if (view->finished->how != Finished::How::well) {
            const Finished finished = *view->finished;
            if (finished.how == Finished::How::never) {
                co_return refuse(ErrorClass::permanent, finished.why, finished.detail);
            }
            jobs_.drop(target.external_name);
            co_return refuse(ErrorClass::transient, finished.why, finished.detail);
        }
    }
    ProviderAnswer made = co_await inner_.create(target, spec, deadline.left());
    if (!made || made->presence != Presence::running) co_return made;
    co_return co_await fill(target, spec, std::move(*made), deadline);
}

Task<ProviderAnswer> RestoringProvider::update(Target target, Spec spec, Duration budget) {
    ProviderAnswer made = co_await inner_.update(std::move(target), spec, budget);
    if (!made) co_return made;
    co_return filled(std::move(*made), spec);
}

Task<ProviderAnswer> RestoringProvider::remove(Target target, Spec spec, Duration budget) {
    if (!jobs_.drop(target.external_name)) {
        Observation going;
        going.presence = Presence::deleting;
        going.detail = "its restore is being stopped";
        going.look_again = std::chrono::milliseconds(50);
        co_return going;
    }
    co_return co_await inner_.remove(std::move(target), std::move(spec), budget);
}

Task<RestoringProvider::Marks> RestoringProvider::marks_of(const Spec& spec, Deadline deadline) {
    const auto access = co_await servers_.find(spec.placed_on);
    if (!access || !*access) {
        co_return refuse(ErrorClass::transient, "its database server is not ready",
                         access ? std::string() : access.error().message);
    }
    auto marks = co_await open_marks(**access, options_.tls->now().expected(), deadline);
    if (!marks) co_return std::unexpected(error_of(marks.error()));
    co_return std::move(*marks);
}

Task<ProviderAnswer> RestoringProvider::fill(const Target& target, const Spec& spec, Observation made,
                                             Deadline deadline) {
    if (jobs_.look(target.external_name)) co_return co_await whole(target, spec, std::move(made), deadline);
    RestoreMark mark = RestoreMark::none;
    {
        const Marks marks = co_await marks_of(spec, deadline);
        if (!marks) co_return std::unexpected(marks.error());
        const auto found = co_await (*marks)->look(restored(target, made), deadline);
        if (!found) co_return std::unexpected(error_of(found.error()));
        mark = *found;
        if (mark == RestoreMark::done) co_return filled(std::move(made), spec);
        if (mark == RestoreMark::begun) {
            const auto emptied = co_await (*marks)->empty(restored(target, made), deadline);
            if (!emptied) co_return std::unexpected(error_of(emptied.error()));
        }
    }
    if (mark == RestoreMark::begun) {
        ProviderAnswer anew = co_await inner_.create(target, spec, deadline.left());
        if (!anew || anew->presence != Presence::running) co_return anew;
        made = std::move(*anew);
    }
    co_return co_await begin(target, spec, std::move(made), deadline);
}

Task<ProviderAnswer> RestoringProvider::begin(const Target& target, const Spec& spec, Observation made,
                                              Deadline deadline) {
    const std::string file = json::get_string(spec.parameters, "restore_file");
    const auto meta = BackupFiles::valid_name(file) ? files_.find(file) : std::nullopt;
    if (!meta || meta->installation != target.installation || meta->resource.str() != backup_of(spec)) {
        co_return refuse(ErrorClass::permanent, "the backup that it is to be filled from is not there any more");
    }
    if (meta->engine != spec.engine) {
        co_return refuse(ErrorClass::permanent, "the backup that it is to be filled from is of another engine");
    }
    if (const Status can = usable(options_.tools, spec.engine); !can) {
        co_return refuse(ErrorClass::permanent, can.error().message);
    }
    const auto access = co_await servers_.find(spec.placed_on);
    if (!access || !*access) co_return refuse(ErrorClass::transient, "its database server is not ready");
    const Restored of = restored(target, made);
    DatabaseLogin login;
    login.database = target.resource;
    login.engine = spec.engine;
    login.address = (*access)->address;
    login.port = (*access)->port;
    login.user = of.user;
    login.name = of.database;
    if (options_.tls->now().on()) login.tls = "require";
    login.password = secret_of(spec, "password");
    {
        const Marks marks = co_await marks_of(spec, deadline);
        if (!marks) co_return std::unexpected(marks.error());
        const auto begun = co_await (*marks)->put(of, RestoreMark::begun, deadline);
        if (!begun) co_return std::unexpected(error_of(begun.error()));
    }
    RestoreOrder order{options_.tools, std::move(login), files_, *meta, options_.limit};
    jobs_.start(target.external_name, meta->bytes,
                [order = std::move(order)](JobSide& side) { return restore(side, order); });
    co_return pending(jobs_.look(target.external_name).value_or(JobView{}));
}

Task<ProviderAnswer> RestoringProvider::whole(const Target& target, const Spec& spec, Observation made,
                                              Deadline deadline) {
    const Marks marks = co_await marks_of(spec, deadline);
    if (!marks) co_return std::unexpected(marks.error());
    const auto done = co_await (*marks)->put(restored(target, made), RestoreMark::done, deadline);
    if (!done) co_return std::unexpected(error_of(done.error()));
    jobs_.drop(target.external_name);
    co_return filled(std::move(made), spec);
}

}  // namespace slipway::backups
