// SPDX-License-Identifier: Apache-2.0

/// What can be posted into a shard's inbox.
///
/// Bounds: per session one opening, one answer of pool and admission, one dial, one close and as
/// many messages as its byte limit allows; frames only from transports that call from elsewhere.
enum ShardInput: Sendable {
  case open(SessionPort, StoredResumption?, CheckedContinuation<Void, any Error>)
  case message(SessionAddress, PreparedMessage)
  /// An answer that a session gave itself.
  case input(
    SessionAddress,
    @Sendable (inout SessionMachine, SessionMachine.Context) -> [SessionMachine.Action])
  case credential(Ticket, Result<VendedToken, TokenPoolError>)
  case admitted(Ticket)
  case dialed(SessionAddress, Ticket, DialResult)
  case received(SessionAddress, UInt32, [UInt8])
  case signalled(SessionAddress, UInt32, ConnectionSignal)
  /// The batch of handles that was being written is written.
  case handlesWritten(failures: Int)
  case consumerCaughtUp(SessionAddress)
  case close(SessionAddress, SessionEnd)
  case fault(SessionAddress, String)
  case drain(by: EngineInstant)
  case inspect(@Sendable (isolated Shard) -> Void)
}

/// What came of a dial.
struct DialResult: Sendable {
  var generation: UInt32
  var outcome: Result<any LiveConnection, TransportError>
}
