// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore

/// What a report is asked to hold.
struct ReportQuery {
  /// Only the sessions of this label; nil for all.
  var label: String?
  /// `sessions=0` leaves the sessions out.
  var holdsSessions = true
  /// `items=1` adds the texts, tool responses and marks that sessions remember, in order.
  var holdsItems = false
  /// `audio=1` adds a digest of each message of audio that sessions remember, in order.
  var holdsAudio = false
  /// `upgrades=1` adds how many upgrades were asked for, in each tenth of a second of the last ten
  /// minutes.
  var holdsUpgrades = false

  init(_ target: RequestTarget) {
    label = target.parameter("label")
    holdsSessions = target.parameter("sessions") != "0"
    holdsItems = target.parameter("items") == "1"
    holdsAudio = target.parameter("audio") == "1"
    holdsUpgrades = target.parameter("upgrades") == "1"
  }
}

/// The report of a running service as JSON, a piece at a time: however many sessions there are, a
/// piece is small, and nothing is copied in advance. Each session is shown as it is when its piece is
/// made, so only a report of a quiet service is of one moment.
///
///     {"service": {totals}, "server": {figures},
///      "upgrades": {"bucketMilliseconds", "counts", the newest last} if asked for,
///      "promisesBroken": [{"kind", "connection", "session", "nanoseconds"}],
///      "sessions": [{"session", "label", "isLive", "isKnown", "resumes", "turns", "pendingCalls",
///                    "received": {tallies, "audioDigest"},
///                    "remembered": {tallies, "audioDigest", "itemCount", "items" and "audioDigests" if asked for},
///                    "forgotten": {tallies}}]}
///
/// Tallies are `{"count", "bytes"}` by kind. A digest is that of ``StreamDigest``, in sixteen
/// hexadecimal digits. There is no secret in it; texts are, if asked for.
final class ReportStream {
  private let core: ServerCore
  private let query: ReportQuery
  /// The sessions to come: numbers, or places in the label's list.
  private var labelled: [Int]?
  private var position = 0
  private var stage = Stage.beginning

  private enum Stage { case beginning, sessions, end }

  private static let pieceBytes = 64 << 10

  init(core: ServerCore, query: ReportQuery) {
    self.core = core
    self.query = query
  }

  /// The next piece; nil after the last.
  func next(_ allocator: ByteBufferAllocator) -> ByteBuffer? {
    var json: [UInt8] = []
    switch stage {
    case .beginning:
      writeBeginning(&json)
      stage = .sessions
    case .sessions:
      while json.count < Self.pieceBytes, let session = nextSession() {
        if position > 1 { json.raw(",") }
        json.raw("\n")
        json.session(session, query)
      }
      if json.isEmpty {
        json.raw("\n]}\n")
        stage = .end
      }
    case .end: return nil
    }
    return allocator.buffer(bytes: json)
  }

  private func nextSession() -> SessionReport? {
    guard query.holdsSessions else { return nil }
    let number = labelled.map { position < $0.count ? $0[position] : -1 } ?? position
    guard let session = core.look({ $0.report(ofSession: number) }) else { return nil }
    position += 1
    return session
  }

  private func writeBeginning(_ json: inout [UInt8]) {
    if let label = query.label {
      labelled = core.look { $0.report(label) }.sessions.map(\.session)
    }
    json.raw(#"{"service":"#)
    json.members(core.look { $0.totalsNow }.members)
    json.raw(#","server":"#)
    json.members(core.gauge.now.members)
    if query.holdsUpgrades {
      json.raw(#","upgrades":"#)
      json.upgrades(core.upgradesUntilNow)
    }
    json.raw(#","promisesBroken":["#)
    for (index, promise) in core.look({ $0.promisesBroken }).enumerated() {
      if index > 0 { json.raw(",") }
      json.promise(promise)
    }
    json.raw(#"],"sessions":["#)
  }
}
#endif
