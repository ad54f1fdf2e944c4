package architecture_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// alarmRules are about alarms and the dashboard. A formula that CloudWatch accepts and
// never computes is as bad as one that it refuses.
func alarmRules() []rule {
	const onMath = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html"
	return []rule{
		{
			says:   "a formula of an alarm fills the gaps of each of its metrics: a metric without points leaves the alarm as it was",
			source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html",
			check: each("AWS::CloudWatch::Alarm", func(a resource) string {
				for _, entry := range items(a.properties["Metrics"]) {
					bare := regexp.MustCompile(`FILL\((METRICS\([^)]*\)|\w+), *0\)`).ReplaceAllString(word(entry, "Expression"), "0")
					for _, other := range items(a.properties["Metrics"]) {
						if id := word(other, "Id"); at(other, "MetricStat") != nil && regexp.MustCompile(`\b`+id+`\b`).MatchString(bare) {
							return "uses the metric " + id + " without FILL"
						}
					}
					if strings.Contains(bare, "METRICS(") {
						return "uses METRICS() without FILL"
					}
				}
				return ""
			}),
			broken: "A: {Type: AWS::CloudWatch::Alarm, Properties: {Metrics: [{Id: r, Expression: SUM(METRICS())}, {Id: m, MetricStat: {Stat: Sum}}]}}",
		},
		{
			says:   "an alarm on a formula has at most 10 metrics with distinct ids, one result, and no SEARCH",
			source: onMath,
			check:  each("AWS::CloudWatch::Alarm", badFormula),
			broken: "A: {Type: AWS::CloudWatch::Alarm, Properties: {Metrics: [{Id: Result, Expression: 1, ReturnData: true}, {Id: m, MetricStat: {}}]}}",
		},
		{
			says:   "an alarm looks back at most a day, counts at most as many points as it looks at, and has one statistic",
			source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
			check:  each("AWS::CloudWatch::Alarm", badPeriod),
			broken: "A: {Type: AWS::CloudWatch::Alarm, Properties: {MetricName: m, Statistic: Sum, Period: 60, EvaluationPeriods: 3, DatapointsToAlarm: 4}}",
		},
		{
			says:   "the body of a dashboard is JSON, its widgets fit into 24 columns, each has a region, and a formula uses metrics of its widget",
			source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html",
			check:  each("AWS::CloudWatch::Dashboard", badDashboard),
			broken: `D: {Type: AWS::CloudWatch::Dashboard, Properties: {DashboardBody: '{"widgets": [{"type": "metric", "x": 20, "width": 8, "properties": {"region": "r"}}]}'}}`,
		},
	}
}

func badFormula(a resource) string {
	metrics, results, ids := 0, 0, make(map[string]bool)
	for _, entry := range items(a.properties["Metrics"]) {
		id := word(entry, "Id")
		if ids[id] || !regexp.MustCompile(`^[a-z]\w*$`).MatchString(id) {
			return fmt.Sprintf("has the id %q", id)
		}
		ids[id] = true
		if at(entry, "MetricStat") != nil {
			metrics++
		}
		if word(entry, "ReturnData") != "false" {
			results++
		}
		if strings.Contains(word(entry, "Expression"), "SEARCH") {
			return "uses SEARCH"
		}
	}
	if len(ids) > 0 && (results != 1 || metrics > 10 || metrics == 0 || a.properties["MetricName"] != nil) {
		return fmt.Sprintf("has %d metrics and %d results", metrics, results)
	}
	return ""
}

func badPeriod(a resource) string {
	statistics, period := 0, integer(0, a.properties, "Period")
	for _, name := range []string{"Statistic", "ExtendedStatistic", "Metrics"} {
		if a.properties[name] != nil {
			statistics++
		}
	}
	for _, entry := range items(a.properties["Metrics"]) {
		period = max(period, integer(0, entry, "MetricStat", "Period"))
	}
	looks := integer(1, a.properties, "EvaluationPeriods")
	switch counts := integer(looks, a.properties, "DatapointsToAlarm"); {
	case statistics != 1:
		return fmt.Sprintf("has %d statistics", statistics)
	case period == 0 || period%60 != 0 || period*looks > 86_400 || counts > looks:
		return fmt.Sprintf("counts %d of %d points of %d s", counts, looks, period)
	case len(word(a.properties, "AlarmDescription")) > 1024:
		return "has a long description"
	}
	return ""
}

func badDashboard(d resource) string {
	body := word(d.properties, "DashboardBody")
	if text, is := at(d.properties, "DashboardBody", "Fn::Sub").(string); is {
		body = text
	}
	var dashboard struct {
		Widgets []struct {
			Type       string
			X, Width   int
			Properties struct {
				Region  string
				Metrics [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		return fmt.Sprintf("has a body that is not JSON: %v", err)
	}
	for i, widget := range dashboard.Widgets {
		if widget.X+widget.Width > 24 || widget.Width == 0 || widget.Type != "text" && widget.Properties.Region == "" {
			return fmt.Sprintf("has widget %d at column %d, %d wide, in the region %q", i, widget.X, widget.Width, widget.Properties.Region)
		}
		if what := badWidget(widget.Properties.Metrics); what != "" {
			return fmt.Sprintf("has widget %d, which %s", i, what)
		}
	}
	return ""
}

// badWidget checks the ids of a widget's metrics, and the formulas that use them.
func badWidget(metrics [][]any) string {
	var ids, formulas []string
	for _, metric := range metrics {
		settings := asMap(metric[len(metric)-1])
		if id := word(settings, "id"); id != "" {
			if slices.Contains(ids, id) {
				return "has two metrics " + id
			}
			ids = append(ids, id)
		}
		formulas = append(formulas, word(settings, "expression"))
	}
	for _, formula := range formulas {
		for _, group := range regexp.MustCompile(`METRICS\("(\w+)"\)`).FindAllStringSubmatch(formula, -1) {
			if !slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(id, group[1]) }) {
				return "has no metric " + group[1]
			}
		}
		rest := regexp.MustCompile(`"[^"]*"|[A-Z_]{2,}|[0-9.]+`).ReplaceAllString(formula, "")
		for _, id := range regexp.MustCompile(`[a-z]\w*`).FindAllString(rest, -1) {
			if !slices.Contains(ids, id) {
				return "has no metric " + id
			}
		}
	}
	return ""
}

// logRules are about log groups, filters and queries.
func logRules() []rule {
	return []rule{
		{
			says:   `a filter pattern has at most 1,024 characters, and no "?" term beside others, which CloudWatch ignores`,
			source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html",
			check: each("AWS::Logs::MetricFilter", func(f resource) string {
				pattern := word(f.properties, "FilterPattern")
				terms := regexp.MustCompile(`(\S?)("[^"]*"|\b\w+)`).FindAllStringSubmatch(pattern, -1)
				optional := func(term []string) bool { return term[1] == "?" }
				mixed := !strings.HasPrefix(pattern, "{") && slices.ContainsFunc(terms, optional) && slices.ContainsFunc(terms, func(term []string) bool { return !optional(term) })
				if len(pattern) > 1024 || mixed || len(items(f.properties["MetricTransformations"])) != 1 {
					return "has the pattern " + pattern
				}
				return ""
			}),
			broken: `F: {Type: AWS::Logs::MetricFilter, Properties: {FilterPattern: '?"Task timed out" -level', MetricTransformations: [{}]}}`,
		},
		{
			says:   "a log group keeps its lines for one of CloudWatch's numbers of days",
			source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
			check: each("AWS::Logs::LogGroup", func(g resource) string {
				days := []string{"1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"}
				if kept := word(g.properties, "RetentionInDays"); !slices.Contains(days, kept) {
					return fmt.Sprintf("keeps lines for %q days", kept)
				}
				return ""
			}),
			broken: "G: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 8}}",
		},
	}
}
