// SPDX-License-Identifier: Apache-2.0

/// A dial over a transport that has nothing but ``LiveTransport/dial(_:)``: what a task of the shard
/// does, and how it is given up.
final class DialInTask: DialUnderWay {
  let dial: ShardDial
  /// Where it stands among the dials under way.
  let place: Int
  private let request: DialRequest
  private let givenUp: AsyncStream<Never>
  private let giveUp: AsyncStream<Never>.Continuation

  init(_ request: DialRequest, _ dial: ShardDial, place: Int) {
    self.request = request
    self.dial = dial
    self.place = place
    (givenUp, giveUp) = AsyncStream.makeStream()
  }

  func cancel() { giveUp.finish() }

  /// Dials until there is an outcome. If the dial is given up, the transport is told by the
  /// cancellation of its task, as it is at the end of the shard's run.
  func outcome(over transport: any LiveTransport) async -> Result<
    any LiveConnection, TransportError
  > {
    await withTaskGroup { group in
      group.addTask { [givenUp] in
        for await _ in givenUp {}
        return nil as Result<any LiveConnection, TransportError>?
      }
      group.addTask { [request] in
        do throws(TransportError) {
          return .success(try await transport.dial(request))
        } catch {
          return .failure(error)
        }
      }
      var outcome: Result<any LiveConnection, TransportError>?
      for await end in group {
        group.cancelAll()
        outcome = end ?? outcome
      }
      return outcome ?? .failure(TransportError(.cancelled, message: "the dial had no outcome"))
    }
  }
}
