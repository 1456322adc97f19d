// Requests to the faces, over a broker with a store in memory. They are separated by lines "%%"; each is
// "METHOD TARGET", header lines, an empty line, a body. Words that stand for what the world holds:
//   $NAME $RES $OP $PASSWORD    the instance of the organization "acme", which also has a cluster "shop"
//   $KEY $READER $OTHER $ADMIN  keys: a user and a reader of acme, a user of "other", an administrator
//   $ID                         the "id" of the last answer that had one
// No answer is a 5xx; a refusal changes nothing and repeats no secret; the password is for its owner alone; whoever
// is not of acme sees nothing of it.
#include <optional>

#include "base/log.h"
#include "faces/harbourmaster/harbourmaster_test_support.h"
#include "faces/machine_test_support.h"
#include "fuzz/fuzz.h"
#include "http/in_process.h"
#include "store/codec.h"

namespace slipway::fuzz {
namespace {

using faces::test::World;
using http::Method;

struct Actor {
    std::string word;
    std::string key;
    bool of_acme = false;
};

Catalog every_plan() {
    std::vector<Plan> plans = faces::test::test_catalog().plans();
    for (const Plan& each : faces::test::hephy_catalog(1).plans()) plans.push_back(each);
    for (const Plan& each : faces::test::machine_catalog().plans()) {
        if (each.kind == Kind::machine) plans.push_back(each);
    }
    return Catalog(std::move(plans));
}

struct Stage {
    World world{false, every_plan()};
    std::vector<Actor> actors;
    std::string name;
    std::string password;
    Resource resource;
    std::string last_id = "none";
    std::vector<std::string> log;

    Stage() {
        log::capture([this](std::string_view line) { log.emplace_back(line); });
        world.ports.readiness = [] { return std::vector<faces::ReadinessCheck>{{"store", true, ""}}; };
        world.ports.doctor = []() -> Task<Result<std::vector<faces::Finding>>> {
            co_return std::vector<faces::Finding>{{"disk", faces::Severity::warning, "full", "empty it"}};
        };
        world.ports.orphans = []() -> Task<Result<std::vector<Orphan>>> { co_return std::vector<Orphan>(); };
        world.ports.remove_orphan = [](std::string, std::string) -> Task<Result<faces::OrphanRemoval>> {
            co_return fail(ErrorCode::not_found, "no such orphan");
        };
        world.ports.test_webhook = [](WebhookId) -> Task<Result<faces::Delivery>> {
            co_return faces::Delivery{.delivered = false, .error = "nobody is there"};
        };
        world.ports.sweep = [](faces::SweepRequest) -> Task<Result<faces::SweepResult>> {
            co_return faces::SweepResult();
        };
        const std::string user = world.key("acme", Role::user);
        actors = {{"$KEY", user, true},
                  {"$READER", world.key("acme", Role::reader), true},
                  {"$OTHER", world.key("other", Role::user), false},
                  {"$ADMIN", world.key("default", Role::administrator), true}};
        const std::string url = world.make("small", World::bearer(user), "gwp");
        name = World::name_in(url);
        password = url.substr(16, url.find('@') - 16);
        world.store.snapshot().for_each_resource([&](const Resource& each) { resource = each; });
        const auto made = world.ask(Method::post, "/v1/organizations/acme/clusters", R"({"name":"shop"})",
                                    faces::test::HephyWorld::fields(user));
        check(made.status == 201, "the cluster is made", made.body);
    }
    ~Stage() { log::capture(nullptr); }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    [[nodiscard]] std::string filled_in(std::string text) const {
        for (const Actor& actor : actors) text = replaced(std::move(text), actor.word, actor.key);
        text = replaced(std::move(text), "$PASSWORD", password);
        text = replaced(std::move(text), "$NAME", name);
        text = replaced(std::move(text), "$RES", resource.id.str());
        text = replaced(std::move(text), "$ID", last_id);
        return replaced(std::move(text), "$OP", operation());
    }
    [[nodiscard]] std::string operation() const {
        std::string last;
        world.store.snapshot().for_each_operation([&](const Operation& each) { last = each.id.str(); });
        return last;
    }
    // Everything that a refused request must leave as it was.
    [[nodiscard]] std::string everything() const {
        std::string all;
        const auto state = world.store.snapshot();
        state.for_each_resource([&](const Resource& each) { all += store::encode(each) + "\n"; });
        state.for_each_operation([&](const Operation& each) { all += store::encode(each) + "\n"; });
        for (const Event& each : state.events(0, std::nullopt, 1000)) all += store::encode(each.body) + "\n";
        return all;
    }
};

struct Asked {
    http::Request request;
    std::string text;  // with the words filled in
};

std::optional<Asked> asked_of(const Stage& stage, std::string_view text) {
    const auto parts = split(text, "\n\n", 2);
    const auto lines = split(parts[0], "\n", 20);
    const auto words = split(lines[0], " ", 2);
    const auto method = http::parse_method(words[0]);
    if (!method || words.size() < 2) return std::nullopt;
    auto request = http::make_request(*method, stage.filled_in(std::string(words[1])),
                                      stage.filled_in(std::string(parts.size() > 1 ? parts[1] : "")));
    if (!request) return std::nullopt;
    request->request_id = "req-1";
    request->loopback_listener = true;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        const auto field = split(lines[i], ": ", 2);
        // The parser lets no such thing through.
        if (field.size() < 2 || field[1].find_first_of(std::string_view("\r\n\0", 3)) != field[1].npos) continue;
        request->headers.add(std::string(field[0]), stage.filled_in(std::string(field[1])));
    }
    return Asked{std::move(*request), stage.filled_in(std::string(text))};
}

// Whether it carries a key of acme or of an administrator.
bool may_see(const Stage& stage, const Asked& asked) {
    for (const Actor& actor : stage.actors) {
        if (actor.of_acme && asked.text.contains(actor.key)) return true;
    }
    return false;
}

// A stream's body is not read: it ends when the server does.
std::string body_of(const http::Response& response) {
    const auto* text = std::get_if<std::string>(&response.body);
    return text != nullptr ? *text : "a stream";
}

void check_secrets(const Stage& stage, const Asked& asked, const http::Response& response) {
    std::string said = body_of(response);
    for (const auto& [name, value] : response.headers) said.append("\n").append(name).append(": ").append(value);
    for (const Actor& actor : stage.actors) {
        check(!said.contains(actor.key), "no answer holds a key", said);
        for (const std::string& line : stage.log) check(!line.contains(actor.key), "no log line holds a key", line);
    }
    const bool owner = asked.text.contains(stage.actors[0].key);
    const bool good = response.status >= 200 && response.status < 300;
    // What a label holds is its owner's: whoever writes the password there reads it there.
    const bool given = asked.text.contains(stage.password);
    check(!said.contains(stage.password) || (good && (owner || given)), "the password is for its owner", said);
    for (const std::string& line : stage.log)
        check(!line.contains(stage.password), "no log line holds a password", line);
    const bool stranger = !may_see(stage, asked) && !asked.text.contains(stage.name);
    check(!stranger || !said.contains(stage.name), "strangers see nothing", said);
}

void check_answer(const Stage& stage, const Asked& asked, const http::Response& response) {
    const std::string body = body_of(response);
    check(response.status >= 200 && response.status < 500, "no request makes the server fail", asked.text);
    if (response.content_type == http::kJsonType) {
        check(json::parse(body).has_value(), "what says that it is JSON is", body);
    }
    // The descriptions of the APIs are for everybody.
    const auto& path = asked.request.path();
    const bool native = path.size() > 2 && path[0] == "api" && !path[2].starts_with("openapi");
    bool keyed = false;
    for (const Actor& actor : stage.actors) keyed = keyed || asked.text.contains(actor.key);
    check(!native || keyed || response.status >= 400 || asked.request.method == Method::options,
          "the native face needs a key", asked.text);
    check(response.status < 400 || !body.empty() || asked.request.method == Method::head, "a refusal says why",
          asked.text);
    check_secrets(stage, asked, response);
}

}  // namespace

void faces(std::string_view input) {
    Stage stage;
    for (const std::string_view text : split(input, "\n%%\n", 8)) {
        auto asked = asked_of(stage, text);
        if (!asked) continue;
        stage.world.settle();
        const std::string before = stage.everything();
        const http::Response response =
            stage.world.run(http::answer_in_process(stage.world.router(), asked->request));
        check_answer(stage, *asked, response);
        const auto answer = json::parse(body_of(response));
        const std::string id = answer && answer->is_object() ? json::get_string(answer->get_object(), "id") : "";
        if (!id.empty()) stage.last_id = id;
        check(response.status < 400 || stage.everything() == before, "a refused request changes nothing",
              asked->text);
    }
}

}  // namespace slipway::fuzz
