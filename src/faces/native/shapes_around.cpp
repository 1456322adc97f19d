// The shapes of what is around the resources: plans, dry runs, keys, webhooks, organizations, usage, orphans.
#include <map>

#include "base/quantity.h"
#include "faces/face.h"
#include "faces/native/shapes.h"
#include "faces/native/values.h"

namespace slipway::faces {
namespace {

json::value price_json(const std::optional<Price>& price) {
    if (!price) return nullptr;
    return json::object{{"currency", price->currency}, {"per_hour", from_millionths(price->micros_per_hour)}};
}

json::value cost_json(const std::optional<Cost>& cost) {
    if (!cost) return nullptr;
    return json::object{{"currency", cost->currency}, {"amount", from_millionths(cost->micros)}};
}

// As it is written in requests.
json::value duration_json(const std::optional<Duration>& duration) {
    return duration ? json::value(format_duration(*duration)) : json::value(nullptr);
}

double seconds_in(Duration duration) { return from_millionths(duration.count()); }

double hours_in(Duration duration) {
    return static_cast<double>(duration.count()) / static_cast<double>(Duration(std::chrono::hours(1)).count());
}

json::array problems_json(const Error& error) {
    json::array problems;
    for (const FieldProblem& problem : error.problems) {
        problems.push_back(json::object{{"field", problem.field}, {"problem", problem.problem}});
    }
    return problems;
}

json::value expected_json(const std::optional<Forecast>& expected) {
    if (!expected) return nullptr;
    return json::object{{"median", seconds_in(expected->median)},
                        {"p95", seconds_in(expected->p95)},
                        {"samples", expected->samples}};
}

json::object plan_of_json(const std::optional<Kind>& kind, const std::string& engine, const std::string& plan) {
    return json::object{{"kind", kind ? json::value(to_string(*kind)) : json::value(nullptr)},
                        {"engine", text_or_null(engine)},
                        {"plan", text_or_null(plan)}};
}

}  // namespace

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::ok: return "ok";
        case Severity::warning: return "warning";
        case Severity::problem: return "problem";
    }
    return "unknown";
}

json::object error_json(const Error& error) {
    return json::object{
        {"error", describe(error)}, {"code", to_string(error.code)}, {"problems", problems_json(error)}};
}

json::object plan_json(const PlanView& view) {
    const Plan& plan = *view.plan;
    json::object out;
    out["kind"] = to_string(plan.kind);
    out["engine"] = plan.engine;
    out["name"] = plan.name;
    out["title"] = plan.title;
    out["description"] = text_or_null(plan.description);
    out["provider"] = plan.provider;
    out["parameters"] = plan.parameters;
    out["pool"] = json::object{{"target", plan.pool}, {"ready", view.ready}, {"coming", view.coming}};
    out["price"] = price_json(plan.price);
    out["lifetime"] = duration_json(plan.lifetime);
    out["max_lifetime"] = duration_json(plan.max_lifetime);
    out["available"] = view.available.has_value();
    out["reason"] = view.available ? json::value(nullptr) : json::value(view.available.error().message);
    return out;
}

json::object preview_json(std::string_view verb, const Preview& preview) {
    json::object out{{"error", nullptr}, {"code", nullptr}, {"problems", json::array()}};
    if (preview.refusal) out = error_json(*preview.refusal);
    json::array steps;
    for (const PlannedStep& step : preview.steps) {
        steps.push_back(json::object{{"kind", to_string(step.kind)}, {"what", step.what}});
    }
    json::array quotas;
    for (const QuotaEffect& effect : preview.quotas) {
        quotas.push_back(json::object{
            {"scope", effect.scope}, {"limit", effect.limit}, {"used", effect.used}, {"after", effect.after}});
    }
    out["verb"] = verb;
    out["allowed"] = preview.allowed;
    out["from_pool"] = preview.from_pool;
    out["steps"] = std::move(steps);
    out["price"] =
        json::object{{"before", price_json(preview.price_before)}, {"after", price_json(preview.price_after)}};
    out["quotas"] = std::move(quotas);
    out["expected_seconds"] = expected_json(preview.expected);
    out["expires_at"] = time_or_null(preview.expires_at);
    return out;
}

json::object key_json(const ApiKey& key) {
    return json::object{{"id", key.id.str()},
                        {"role", to_string(key.role)},
                        {"description", text_or_null(key.description)},
                        {"organization", key.organization.str()},
                        {"created_at", format_time(key.created_at)},
                        {"expires_at", time_or_null(key.expires_at)},
                        {"revoked_at", time_or_null(key.revoked_at)}};
}

json::object webhook_json(const Webhook& webhook) {
    json::object out;
    out["id"] = webhook.id.str();
    out["url"] = webhook.url;
    out["types"] = json::array(webhook.types.begin(), webhook.types.end());
    out["organization"] =
        webhook.organization.empty() ? std::string(kEveryOrganization) : webhook.organization.str();
    out["enabled"] = webhook.enabled;
    out["cursor"] = webhook.cursor;
    out["failures"] = webhook.failures;
    // Only a delivery that failed waits for its next try.
    const bool waits = webhook.enabled && webhook.failures > 0;
    out["next_attempt"] = waits ? json::value(format_time(webhook.next_attempt)) : json::value(nullptr);
    out["last_error"] = text_or_null(webhook.last_error);
    out["delivered_at"] = time_or_null(webhook.delivered_at);
    out["created_at"] = format_time(webhook.created_at);
    out["version"] = webhook.version;
    return out;
}

json::array quotas_json(const std::vector<QuotaUse>& quotas) {
    json::array all;
    for (const QuotaUse& each : quotas) {
        json::object out = plan_of_json(each.quota.kind, each.quota.engine, each.quota.plan);
        out["limit"] = each.quota.limit;
        out["used"] = each.used;
        all.push_back(std::move(out));
    }
    return all;
}

json::object organization_json(const OrganizationView& view) {
    json::array live;
    for (const LiveCount& count : view.live) {
        json::object out = plan_of_json(count.kind, count.engine, count.plan);
        out["live"] = count.live;
        live.push_back(std::move(out));
    }
    return json::object{{"id", view.organization.id.str()},
                        {"title", view.organization.title},
                        {"created_at", format_time(view.organization.created_at)},
                        {"deleted_at", time_or_null(view.organization.deleted_at)},
                        {"live", std::move(live)},
                        {"quotas", quotas_json(view.quotas)}};
}

json::object usage_json(TimePoint from, TimePoint to, const std::vector<UsageLine>& lines) {
    struct Total {
        Duration time{};
        std::map<std::string, std::int64_t> costs;  // millionths, by currency
    };
    // By organization and billing code: those of two organizations may be the same word for different people.
    std::map<std::pair<std::string, std::string>, Total> totals;
    json::array usage;
    for (const UsageLine& line : lines) {
        const UsageKey& key = line.row.key;
        json::object out = plan_of_json(key.kind, key.engine, key.plan);
        out["organization"] = key.organization.str();
        out["billing_code"] = key.billing_code;
        out["resources"] = line.row.resources;
        out["hours"] = hours_in(line.row.time);
        out["cost"] = cost_json(line.cost);
        usage.push_back(std::move(out));
        Total& total = totals[{key.organization.str(), key.billing_code}];
        total.time += line.row.time;
        if (line.cost) total.costs[line.cost->currency] += line.cost->micros;
    }
    json::array sums;
    for (const auto& [whose, total] : totals) {
        json::array costs;
        for (const auto& [currency, micros] : total.costs) {
            costs.push_back(json::object{{"currency", currency}, {"amount", from_millionths(micros)}});
        }
        sums.push_back(json::object{{"organization", whose.first},
                                    {"billing_code", whose.second},
                                    {"hours", hours_in(total.time)},
                                    {"costs", std::move(costs)}});
    }
    return json::object{{"from", format_time(from)},
                        {"to", format_time(to)},
                        {"usage", std::move(usage)},
                        {"totals", std::move(sums)}};
}

json::object orphan_json(const Orphan& orphan) {
    json::object out{{"provider", orphan.provider},
                     {"external_name", orphan.external_name},
                     {"kind", orphan.kind},
                     {"detail", text_or_null(orphan.detail)},
                     {"resource", id_or_null(orphan.resource)},
                     {"generation", orphan.generation},
                     {"first_seen", format_time(orphan.first_seen)},
                     {"last_seen", format_time(orphan.last_seen)},
                     {"removed_at", nullptr}};
    if (orphan.removed_at) out["removed_at"] = format_time(*orphan.removed_at);
    return out;
}

json::object finding_json(const Finding& finding) {
    return json::object{{"check", finding.check},
                        {"severity", to_string(finding.severity)},
                        {"message", finding.message},
                        {"fix", text_or_null(finding.fix)}};
}

json::object check_json(const ReadinessCheck& check) {
    return json::object{{"name", check.name}, {"ready", check.ready}, {"detail", text_or_null(check.detail)}};
}

}  // namespace slipway::faces
