// SPDX-License-Identifier: Apache-2.0

public import LiveBroker
internal import Synchronization

/// What happened in a simulation, one line of text an event, and the hash of all lines.
///
/// A line reads `<virtual time in microseconds> <connection or -> <label or -> <what> name=value …`.
/// No line ever holds a payload or a credential, only sizes, codes and numbers. Two runs are equal
/// if and only if their hashes are; the text itself is kept only by the sink, if there is one.
public final class Trace: Sendable {
  private struct State {
    var hash = SHA256()
    var pending = TraceLine()
    var labels: [UInt64: [UInt8]] = [:]
    var lineCount: UInt64 = 0
  }

  private let state: Mutex<State>
  private let sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?
  private let chunkSize: Int

  /// Makes an empty trace.
  ///
  /// - Parameters:
  ///   - chunkSize: How many bytes of lines are gathered before they are hashed and given on.
  ///   - sink: Is given the text in chunks of whole lines, for a file. Called in the middle of
  ///     simulated work: it must not call the trace, and the bytes are valid only during the call.
  public init(
    chunkSize: Int = 65_536, sink: (@Sendable (UnsafeRawBufferPointer) -> Void)? = nil
  ) {
    self.chunkSize = max(chunkSize, 1)
    self.sink = sink
    state = Mutex(State())
  }

  /// Lines recorded so far.
  public var lineCount: UInt64 { state.withLock { $0.lineCount } }

  /// SHA-256 of the text of all lines so far, as 64 hexadecimal digits.
  public var hexDigest: String {
    state.withLock { state in
      var hash = state.hash
      hash.update(state.pending.bytes)
      return hash.hexDigest
    }
  }

  /// Gives the sink what has not filled a chunk yet.
  public func flush() { state.withLock { write(&$0) } }

  /// Names a connection in the lines that follow, for instance by its session; nil takes the name
  /// back. The label must be free of secrets; blanks and line ends are replaced.
  public func label(connection: UInt64, _ label: String?) {
    let bytes = label.map { text in text.utf8.map { $0 > 0x20 && $0 != 0x7f ? $0 : 0x5f } }
    state.withLock { $0.labels[connection] = bytes }
  }

  /// Records one event.
  ///
  /// - Parameters:
  ///   - instant: The virtual time.
  ///   - connection: Number of the connection it is about, if it is about one.
  ///   - what: What happened, one word.
  ///   - fields: Appends the event's numbers.
  public func record(
    at instant: EngineInstant, connection: UInt64? = nil, _ what: StaticString,
    _ fields: (inout TraceLine) -> Void = { _ in }
  ) {
    state.withLock { state in
      state.pending.begin(instant, connection, connection.flatMap { state.labels[$0] }, what)
      fields(&state.pending)
      state.pending.bytes.append(0x0a)
      state.lineCount &+= 1
      if state.pending.bytes.count >= chunkSize { write(&state) }
    }
  }

  private func write(_ state: inout State) {
    guard !state.pending.bytes.isEmpty else { return }
    state.hash.update(state.pending.bytes)
    if let sink { state.pending.bytes.withUnsafeBytes { sink($0) } }
    state.pending.bytes.removeAll(keepingCapacity: true)
  }
}

/// The line being recorded. Everything is appended as bytes; no string is made.
public struct TraceLine: Sendable {
  var bytes: [UInt8] = []

  /// Appends ` name=value`.
  public mutating func field(_ name: StaticString, _ value: some BinaryInteger) {
    append(0x20)
    append(name)
    append(0x3d)
    if value < 0 { append(0x2d) }
    append(decimal: UInt64(truncatingIfNeeded: value.magnitude))
  }

  /// Appends ` name=value` for a value that is a constant of the program.
  public mutating func field(_ name: StaticString, _ value: StaticString) {
    append(0x20)
    append(name)
    append(0x3d)
    append(value)
  }

  /// Appends ` name=microseconds`.
  public mutating func field(_ name: StaticString, _ value: Duration) {
    let (seconds, attoseconds) = value.components
    field(name, seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000)
  }

  mutating func begin(
    _ instant: EngineInstant, _ connection: UInt64?, _ label: [UInt8]?, _ what: StaticString
  ) {
    append(decimal: UInt64(max(instant.nanoseconds, 0)) / 1_000)
    append(0x20)
    if let connection { append(decimal: connection) } else { append(0x2d) }
    append(0x20)
    if let label { bytes.append(contentsOf: label) } else { append(0x2d) }
    append(0x20)
    append(what)
  }

  @inline(__always)
  private mutating func append(_ byte: UInt8) { bytes.append(byte) }

  private mutating func append(_ text: StaticString) {
    guard text.hasPointerRepresentation else { return }
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func append(decimal value: UInt64) {
    var rest = value
    var scale: UInt64 = 1
    while rest / scale >= 10 { scale &*= 10 }
    while scale > 0 {
      bytes.append(UInt8(truncatingIfNeeded: 0x30 + rest / scale))
      rest %= scale
      scale /= 10
    }
  }
}
