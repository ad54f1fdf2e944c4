import software.amazon.awssdk.services.sqs.SqsClient;

public class Publish {
    public static void main(String[] args) {
        String event = """
            {"id": "env-44-created", "type": "environment.created", "tenant_id": "acme",
             "data": {"environment_id": 44}}""";
        try (SqsClient sqs = SqsClient.create()) {
            var sent = sqs.sendMessage(r -> r.queueUrl(System.getenv("EVENTS_QUEUE_URL")).messageBody(event));
            System.out.println(sent.messageId());
        }
    }
}
