// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// Reads a trace as it is written and keeps what concerns the session that the service numbered 0.
final class LifeRecorder: Sendable {
  fileprivate struct State {
    var rest: [UInt8] = []
    var events: [TimelineEvent] = []
    var turnBegan: Duration?
    /// When the connection that now carries the session took over, and its number in the trace.
    var connection: (number: Substring, since: Duration)?
  }

  private let state = Mutex(State())

  /// Takes the next piece of the trace; a line may be cut anywhere.
  func write(_ bytes: UnsafeRawBufferPointer) {
    state.withLock { state in
      var start = bytes.startIndex
      while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = state.rest + bytes[start..<end]
        state.rest = []
        if Self.concerns(line) { state.read(String(decoding: line, as: UTF8.self)) }
        start = end + 1
      }
      state.rest += bytes[start...]
    }
  }

  /// What happened until `end`.
  func events(until end: Duration) -> [TimelineEvent] {
    state.withLock { state in
      state.endConnection(at: end)
      return state.events
    }
  }

  /// Whether the line bears the session's label or names it in a field. Most lines do not, so this
  /// looks at bytes.
  private static func concerns(_ line: [UInt8]) -> Bool {
    let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard fields.count > 3 else { return false }
    return fields[2].elementsEqual("s0".utf8)
      || fields[4...].contains { $0.elementsEqual("session=0".utf8) }
  }
}

extension LifeRecorder.State {
  /// One line: microseconds, connection, label, what, fields.
  fileprivate mutating func read(_ line: String) {
    let fields = line.split(separator: " ")
    guard fields.count > 3, let microseconds = Int64(fields[0]) else { return }
    let at = Duration.microseconds(microseconds)
    switch fields[3] {
    case "session-started", "session-resumed":
      endConnection(at: at)
      connection = (fields[1], at)
    case "closed", "dropped", "abort":
      if connection?.number == fields[1] { endConnection(at: at) }
    case "checkpoint": events.append(TimelineEvent(.handle, at: at))
    case "go-away": events.append(TimelineEvent(.goAway, at: at))
    case "turn-started": turnBegan = at
    case "turn-ended", "turn-interrupted":
      events.append(TimelineEvent(.turn, from: turnBegan ?? at, to: at))
      turnBegan = nil
    default: break
    }
  }

  fileprivate mutating func endConnection(at end: Duration) {
    guard let began = connection?.since else { return }
    events.append(TimelineEvent(.connection, from: began, to: end))
    connection = nil
  }
}
