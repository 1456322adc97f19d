#include "providers/playbooks/run.h"

#include <fstream>

#include <fmt/format.h>

#include "base/masking.h"
#include "base/output_lines.h"
#include "domain/words.h"
#include "providers/playbooks/host_key.h"
#include "providers/playbooks/leftovers.h"
#include "providers/playbooks/login_pipe.h"
#include "providers/playbooks/report.h"

namespace slipway::playbooks {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::size_t kMostSaid = 500;  // bytes of an error

struct End {
    Outcome outcome = Outcome::done;
    Finished finished = {};
};

End not_now(Outcome outcome, std::string why, std::string detail = {}) {
    return {outcome, {Finished::How::not_now, std::move(why), std::move(detail)}};
}
End never(Outcome outcome, std::string why) {
    return {outcome, {Finished::How::never, shortened(std::move(why), kMostSaid), {}}};
}

// Gone with whatever it holds, and so is what still runs of the run in it.
class RunDirectory {
  public:
    explicit RunDirectory(fs::path path) : path_(std::move(path)) { clear(); }
    ~RunDirectory() { clear(); }
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;

  private:
    void clear() const {
        end_leftovers(path_);
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    fs::path path_;
};

Status write_file(const fs::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) return fail(ErrorCode::storage, fmt::format("{} cannot be written", file.string()));
    return {};
}

Status prepare(const Play& what, std::string_view key) {
    std::error_code error;
    fs::create_directories(what.files.directory, error);
    if (!error) fs::permissions(what.files.directory, fs::perms::owner_all, error);
    for (const fs::path& each : {what.files.home(), what.files.temporary()}) {
        if (!error) fs::create_directory(each, error);
    }
    if (error) {
        return fail(ErrorCode::storage, fmt::format("{}: {}", what.files.directory.string(), error.message()));
    }
    for (const auto& [file, text] : {std::pair(what.files.inventory(), inventory_of(what.machine)),
                                     std::pair(what.files.known_hosts(), known_host(what.machine, key)),
                                     std::pair(what.files.settings(), std::string())}) {
        if (const Status written = write_file(file, text); !written) return written;
    }
    return {};
}

// Its output on the way into the log and into what is known of its progress.
class Listener {
  public:
    explicit Listener(const Play& what)
        : what_(what),
          mask_({what.password}),
          output_([this](std::string_view line) { on_output(line); }),
          complaints_([this](std::string_view line) { on_complaint(line); }) {}

    Streams streams() {
        Streams streams;
        streams.take = [this](std::string_view piece) {
            output_.feed(piece);
            return true;
        };
        streams.hear = [this](std::string_view piece) { complaints_.feed(piece); };
        return streams;
    }
    const Report& finish() {
        output_.finish();
        complaints_.finish();
        return report_;
    }

  private:
    void on_output(std::string_view line) {
        const std::string text = take(line);
        report_.read_output(text);
        what_.where->set(report_.where());
    }
    void on_complaint(std::string_view line) { report_.read_complaint(take(line)); }
    // What is told of it elsewhere must hold no secret either.
    std::string take(std::string_view line) const {
        std::string text = mask_.apply(plain_line(line));
        if (what_.log) what_.log->write(text);
        return text;
    }

    const Play& what_;
    Mask mask_;
    Report report_;
    OutputLines output_;
    OutputLines complaints_;
};

std::string at(const std::string& where) { return where.empty() ? "before its first task" : "at " + where; }

End judge_exit(const Ended& ended, const Report& report) {
    const auto& trouble = report.trouble();
    if (ended.status == 0) {
        if (report.played()) return {};
        return never(Outcome::failed,
                     "the plan's playbook has no play for the machine: its plays have to name hosts: all");
    }
    if (ended.status < 0) return not_now(Outcome::stopped, "the plan's playbook was killed " + at(report.where()));
    if (trouble && trouble->unreachable) {
        return not_now(Outcome::unreachable,
                       shortened(fmt::format("the plan's playbook could not reach the machine {}: {}",
                                             at(trouble->where), trouble->why),
                                 kMostSaid));
    }
    if (trouble) {
        return never(Outcome::failed,
                     fmt::format("the plan's playbook failed {}: {}", at(trouble->where), trouble->why));
    }
    return never(Outcome::failed, fmt::format("the plan's playbook failed {}: {}", at(report.where()),
                                              report.error().empty() ? fmt::format("exit status {}", ended.status)
                                                                     : report.error()));
}

End judge(const Ended& ended, const Report& report, const Play& what) {
    switch (ended.how) {
        case Ended::How::not_started:
            return not_now(Outcome::stopped, "the plan's playbook could not be started", ended.why);
        case Ended::How::refused:
        case Ended::How::stopped: return not_now(Outcome::stopped, "the plan's playbook was stopped");
        case Ended::How::late:
            return never(Outcome::late, fmt::format("the plan's playbook did not end within {}: it was {}",
                                                    in_words(what.playbook.limit), at(report.where())));
        case Ended::How::exited: return judge_exit(ended, report);
    }
    return not_now(Outcome::stopped, "the plan's playbook was stopped");
}

End run(JobSide& side, const Play& what, steady_clock::time_point until) {
    const RunDirectory directory(what.files.directory);
    const auto key = host_key_of(what.machine, what.fingerprint);
    if (!key) return not_now(Outcome::unreachable, "the plan's playbook could not begin: " + key.error());
    if (const Status ready = prepare(what, *key); !ready) {
        return not_now(Outcome::stopped, "the plan's playbook could not be started", ready.error().message);
    }
    const auto pipe = LoginPipe::make(what.files.login(), login_of(what.password));
    if (!pipe) {
        return not_now(Outcome::stopped, "the plan's playbook could not be started", pipe.error().message);
    }
    std::error_code ignored;
    const bool own_settings = fs::exists(what.playbook.file.parent_path() / "ansible.cfg", ignored);
    Listener listener(what);
    const Ended ended = run_program(invocation_of(what.programs, what.playbook, what.files, own_settings),
                                    listener.streams(), side.stop, until);
    return judge(ended, listener.finish(), what);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::done: return "done";
        case Outcome::failed: return "failed";
        case Outcome::unreachable: return "unreachable";
        case Outcome::late: return "late";
        case Outcome::stopped: return "stopped";
    }
    return "stopped";
}

Finished play(JobSide& side, const Play& what) {
    const auto tell = [&](const std::string& line) {
        if (what.log) what.log->write(line);
    };
    const steady_clock::time_point began = steady_clock::now();
    tell(fmt::format("running the playbook {} on {} ({})", what.playbook.name(), what.machine.name,
                     what.machine.address));
    const End end = run(side, what, began + what.playbook.limit);
    const auto took = std::chrono::duration_cast<Duration>(steady_clock::now() - began);
    tell(end.outcome == Outcome::done
             ? fmt::format("the playbook {} is done, after {}", what.playbook.name(), in_words(took))
             : end.finished.why);
    if (what.on_played) what.on_played(end.outcome, took);
    return end.finished;
}

}  // namespace slipway::playbooks
