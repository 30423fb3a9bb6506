// SPDX-License-Identifier: Apache-2.0

import LiveEmulator

@testable import LiveBroker

/// The service behind a front-end that answers pings by itself and keeps speech for a while before the
/// conversation takes it in. What it keeps when a connection ends is lost.
struct FrontedService: EmulatedService {
  private struct Held {
    var due: EngineInstant
    var connection: ConnectionID
    var payload: [UInt8]
  }

  var service: LiveService
  /// How long speech lies at the front-end.
  let hold: Duration
  /// By how much it counts more messages than were sent.
  let miscount: Int
  private var held: [Held] = []

  init(_ service: LiveService, hold: Duration, miscount: Int = 0) {
    self.service = service
    self.hold = hold
    self.miscount = miscount
  }

  var nextDeadline: EngineInstant? {
    let due = [service.nextDeadline, held.first?.due].compactMap(\.self)
    return due.min()
  }

  mutating func advance(to instant: EngineInstant) {
    while let first = held.first, first.due <= instant {
      held.removeFirst()
      first.payload.withUnsafeBytes { service.received(first.connection, $0, at: first.due) }
    }
    service.advance(to: instant)
  }

  mutating func received(
    _ connection: ConnectionID, _ payload: UnsafeRawBufferPointer, at instant: EngineInstant
  ) {
    advance(to: instant)
    guard hold > .zero, payload.starts(with: #"{"realtimeInput""#.utf8) else {
      return service.received(connection, payload, at: instant)
    }
    let due = instant.advanced(by: hold)
    held.append(Held(due: due, connection: connection, payload: Array(payload)))
  }

  mutating func pingReceived(_ connection: ConnectionID, at instant: EngineInstant) -> Bool {
    advance(to: instant)
    return service.pingReceived(connection, at: instant)
  }

  mutating func closeReceived(
    _ connection: ConnectionID, code: UInt16?, reason: String, at instant: EngineInstant
  ) {
    advance(to: instant)
    service.closeReceived(connection, code: code, reason: reason, at: instant)
  }

  mutating func disconnected(_ connection: ConnectionID, at instant: EngineInstant) {
    advance(to: instant)
    service.disconnected(connection, at: instant)
  }

  mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, at instant: EngineInstant
  ) -> UpgradeAnswer {
    advance(to: instant)
    return service.upgrade(connection, credential: credential, at: instant)
  }

  mutating func mint(
    credential: Credential?, body: [UInt8], at instant: EngineInstant, wallTime: WallTime
  ) -> MintAnswer {
    advance(to: instant)
    return service.mint(credential: credential, body: body, at: instant, wallTime: wallTime)
  }

  mutating func markUnreachable(_ connection: ConnectionID) { service.markUnreachable(connection) }

  mutating func takeOutputs(into outputs: inout [ServiceOutput]) {
    let first = outputs.count
    service.takeOutputs(into: &outputs)
    guard miscount > 0 else { return }
    for index in first..<outputs.count {
      guard case .send(let connection, let bytes) = outputs[index] else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      guard let range = text.firstRange(of: #""lastConsumedClientMessageIndex":""#) else {
        continue
      }
      let counted = Int(text[range.upperBound...].prefix { $0 != "\"" }) ?? 0
      let wrong = text.replacing(
        #"Index":"\#(counted)""#, with: #"Index":"\#(counted + miscount)""#)
      outputs[index] = .send(connection, Array(wrong.utf8))
    }
  }
}
