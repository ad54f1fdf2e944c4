package lambdatest

import (
	"fmt"

	"webhooks/shared/event"
)

// NewEvent returns event number n of a tenant. Its data has size bytes of ids, names,
// numbers and times, as a platform sends them.
func NewEvent(tenantID string, n, size int) event.Event {
	data := []byte(`{"environment_id":42,"resources":[`)
	for i := 0; ; i++ {
		resource := fmt.Sprintf(`{"id":"res-%08x","name":"worker-%d","state":"running","cpu_millicores":%d,"zone":"cn-north-%dc","updated_at":"2026-01-26T10:%02d:%02d.%03dZ"}`,
			uint32(n*7919+i*104729)*2654435761, i, 250*(i%9+1), i%4, i%60, (n+i)%60, (n*31+i*17)%1000)
		if len(data)+len(resource)+len(`,],"note":""}`) > size {
			break
		}
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, resource...)
	}
	data = append(data, `],"note":"`...)
	for len(data) < size-len(`"}`) {
		data = append(data, 'x')
	}
	return event.Event{
		ID: fmt.Sprintf("env-%06d-created", n), TenantID: tenantID, Type: event.EnvironmentCreated,
		Timestamp: "2026-01-26T10:00:00.000Z", Data: append(data, `"}`...),
	}
}
