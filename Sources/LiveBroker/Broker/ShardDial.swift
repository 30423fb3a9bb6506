// SPDX-License-Identifier: Apache-2.0

/// A dial that a shard wants done; what comes of it goes into the shard's inbox.
struct ShardDial: Sendable {
  var request: DialRequest
  var address: SessionAddress
  var ticket: Ticket
  var transport: any LiveTransport
  var mailbox: Mailbox<ShardInput>

  func perform() async {
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
