// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker

/// Parts of a report as JSON.
extension [UInt8] {
  /// An object of numbers.
  mutating func members(_ members: [(name: StaticString, value: Int)]) {
    raw("{")
    for (index, member) in members.enumerated() {
      if index > 0 { raw(",") }
      raw("\"")
      raw(member.name)
      raw("\":")
      number(member.value)
    }
    raw("}")
  }

  mutating func upgrades(_ rate: UpgradeRate) {
    raw(#"{"bucketMilliseconds":"#)
    number(UpgradeRate.bucketMilliseconds)
    raw(#","counts":["#)
    for (index, count) in rate.counts.enumerated() {
      if index > 0 { raw(",") }
      number(count)
    }
    raw("]}")
  }

  mutating func promise(_ promise: BrokenPromise) {
    raw(#"{"kind":"#)
    quoted("\(promise.kind)")
    raw(#","connection":"#)
    append(contentsOf: "\(promise.connection)".utf8)
    raw(#","session":"#)
    if let session = promise.session { number(session) } else { raw("null") }
    raw(#","nanoseconds":"#)
    number(Int(promise.nanoseconds))
    raw("}")
  }

  mutating func session(_ report: SessionReport, _ query: ReportQuery) {
    raw(#"{"session":"#)
    number(report.session)
    raw(#","label":"#)
    if let label = report.label { quoted(label) } else { raw("null") }
    raw(report.isLive ? #","isLive":true"# : #","isLive":false"#)
    raw(report.isKnown ? #","isKnown":true"# : #","isKnown":false"#)
    raw(#","resumes":"#)
    number(report.resumes)
    raw(#","turns":"#)
    number(report.turns)
    raw(#","pendingCalls":["#)
    for (index, id) in report.pendingCalls.enumerated() {
      if index > 0 { raw(",") }
      quoted(id)
    }
    raw(#"],"received":{"#)
    tallies(report.received.tallies)
    digest(report.received.audioDigest)
    raw(#"},"remembered":{"#)
    remembered(report.remembered, query)
    raw(#"},"forgotten":{"#)
    tallies(report.forgotten)
    raw("}}")
  }

  private mutating func remembered(_ account: RememberedAccount, _ query: ReportQuery) {
    tallies(account.tallies)
    digest(account.audioDigest)
    raw(#","itemCount":"#)
    number(account.itemCount)
    if query.holdsAudio {
      raw(#","audioDigests":["#)
      for (index, digest) in account.audioDigests.enumerated() {
        if index > 0 { raw(",") }
        hexadecimal(digest)
      }
      raw("]")
    }
    guard query.holdsItems else { return }
    raw(#","items":["#)
    for (index, item) in account.items.enumerated() {
      if index > 0 { raw(",") }
      self.item(item)
    }
    raw("]")
  }

  private mutating func tallies(_ tallies: Tallies) {
    let kinds: [(StaticString, Tally)] = [
      ("audio", tallies.audio), ("video", tallies.video), ("text", tallies.text),
      ("content", tallies.content), ("toolResponses", tallies.toolResponses),
      ("marks", tallies.marks), ("contextUpdates", tallies.contextUpdates),
    ]
    for (index, (name, tally)) in kinds.enumerated() {
      raw(index == 0 ? "\"" : ",\"")
      raw(name)
      raw("\":")
      members([("count", tally.count), ("bytes", tally.bytes)])
    }
  }

  private mutating func digest(_ digest: StreamDigest) {
    raw(#","audioDigest":"#)
    hexadecimal(digest.value)
  }

  private mutating func hexadecimal(_ value: UInt64) {
    let digits = String(value, radix: 16)
    quoted(String(repeating: "0", count: 16 - digits.utf8.count) + digits)
  }

  private mutating func item(_ item: RememberedItem) {
    raw(#"{"kind":"#)
    switch item.kind {
    case .text(let text):
      raw(#""text","text":"#)
      quoted(text)
    case .content(let text, let turnComplete):
      raw(#""content","text":"#)
      quoted(text)
      raw(turnComplete ? #","turnComplete":true"# : #","turnComplete":false"#)
    case .toolResponse(let id, let name, let response):
      raw(#""toolResponse","id":"#)
      quoted(id)
      raw(#","name":"#)
      quoted(name)
      raw(#","response":"#)
      quoted(response)
    case .video(let bytes, let digest):
      raw(#""video","bytes":"#)
      number(bytes)
      raw(#","digest":"#)
      hexadecimal(digest)
    case .activityStart: raw(#""activityStart""#)
    case .activityEnd: raw(#""activityEnd""#)
    case .audioStreamEnd: raw(#""audioStreamEnd""#)
    case .contextUpdate: raw(#""contextUpdate""#)
    }
    raw(#","audioOffset":"#)
    number(item.audioOffset)
    raw("}")
  }
}

extension ServiceTotals {
  /// All of it by name.
  var members: [(name: StaticString, value: Int)] {
    [
      ("minted", minted), ("tokensExpiredUnused", tokensExpiredUnused),
      ("mintsRefused", mintsRefused), ("upgrades", upgrades),
      ("upgradesRefused", upgradesRefused), ("sessionsStarted", sessionsStarted),
      ("sessionsResumed", sessionsResumed), ("setupsRefused", setupsRefused),
      ("resumesWhileOpen", resumesWhileOpen), ("handlesNotFound", handlesNotFound),
      ("setupsRefusedByToken", setupsRefusedByToken),
      ("setupsRefusedByQuota", setupsRefusedByQuota), ("messagesReceived", messagesReceived),
      ("bytesReceived", bytesReceived), ("messagesSent", messagesSent), ("bytesSent", bytesSent),
      ("messagesIgnored", messagesIgnored), ("handlesIssued", handlesIssued),
      ("goAways", goAways), ("goAwaysIgnored", goAwaysIgnored),
      ("closesByService", closesByService), ("closesByClient", closesByClient), ("drops", drops),
      ("entriesForgotten", entriesForgotten), ("mediaBytesForgotten", mediaBytesForgotten),
      ("turns", turns), ("turnsInterrupted", turnsInterrupted), ("toolCalls", toolCalls),
      ("faults", faults), ("connectionsOpen", connectionsOpen), ("sessionsLive", sessionsLive),
      ("sessionsLivePeak", sessionsLivePeak), ("promisesBroken", promisesBroken),
      ("responsesCrossedCancellation", responsesCrossedCancellation),
    ]
  }
}

extension ServerFigures {
  /// All of it by name.
  var members: [(name: StaticString, value: Int)] {
    [
      ("accepted", accepted), ("connectionsOpen", connectionsOpen), ("socketsOpen", socketsOpen),
      ("timersPending", timersPending), ("requests", requests),
      ("peakUpgradesPerSecond", peakUpgradesPerSecond), ("messagesIn", messagesIn),
      ("messagesOut", messagesOut), ("pings", pings), ("pingsLeftOut", pingsLeftOut),
      ("violations", violations),
      ("slowClientsCut", slowClientsCut), ("idleCut", idleCut), ("stalled", stalled),
      ("turnedAway", turnedAway),
    ]
  }
}
#endif
