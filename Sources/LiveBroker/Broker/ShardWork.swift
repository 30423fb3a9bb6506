// SPDX-License-Identifier: Apache-2.0

/// Work that a shard's loop starts as a child task; its result comes back through the inbox.
enum ShardWork: Sendable {
  case dial(
    DialRequest, any LiveTransport, SessionAddress, Ticket, mailbox: Mailbox<ShardInput>)

  func start(in group: inout DiscardingTaskGroup) {
    switch self {
    case .dial(let request, let transport, let address, let ticket, let mailbox):
      group.addTask {
        Census.taskBegan()
        defer { Census.taskEnded() }
        let outcome: Result<any LiveConnection, TransportError>
        do throws(TransportError) {
          outcome = .success(try await transport.dial(request))
        } catch {
          outcome = .failure(error)
        }
        let result = DialResult(generation: request.generation, outcome: outcome)
        guard !mailbox.post(.dialed(address, ticket, result)) else { return }
        // The broker has stopped meanwhile: nobody else will close this connection.
        if case .success(let connection) = outcome {
          request.executor.execute { connection.abort() }
        }
      }
    }
  }
}
