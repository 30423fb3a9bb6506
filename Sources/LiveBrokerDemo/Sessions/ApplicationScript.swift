// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// What one session does and when: its utterances, its text turns, its tool calls.
///
/// Made from a seed alone, so that equal seeds give equal runs.
struct ApplicationScript: Sendable {
  /// One thing that a session does.
  enum Step: Sendable, Equatable {
    /// A turn of text; some make the model call a tool.
    case text(String)
    /// Speech: so many 20 ms frames of the recording from this position on.
    case speech(position: Int, frames: Int)
  }

  /// Steps with the time from the run's beginning, in order.
  var steps: [(at: Duration, step: Step)] = []

  /// Utterances of a session that speaks, and how long each is: together 65 seconds.
  static let utterances = 13
  static let framesPerUtterance = 250

  /// Does nothing.
  init() {}

  /// The script of a tour's session: a text turn in each minute, thirteen utterances over the whole.
  init(session: Int, options: TourOptions, recording: Recording?, random: inout SplitMix64) {
    let minutes = max(1, Int(options.minutes.rounded(.up)))
    let phase = random.unit()
    for minute in 0..<minutes {
      let at = Duration.seconds((Double(minute) + 0.05 + 0.7 * phase) * 60)
      guard at < options.length - .seconds(5) else { continue }
      let isCall = minute % 10 == session % 10
      steps.append((at, .text(isCall ? "please use the tool \(minute)" : "minute \(minute)")))
    }
    if let recording {
      let share = (options.length - .seconds(10)) / Self.utterances
      addSpeech(recording, every: share, count: Self.utterances, &random)
    }
    steps.sort { $0.at < $1.at }
  }

  private mutating func addSpeech(
    _ recording: Recording, every share: Duration, count: Int, _ random: inout SplitMix64,
    frames: Int = framesPerUtterance
  ) {
    var position = Int(random.unit() * Double(recording.sampleCount))
    for utterance in 0..<count {
      let at = share * (Double(utterance) + 0.5 * random.unit())
      steps.append((at, .speech(position: position, frames: frames)))
      position = recording.position(after: position, by: frames)
    }
  }
}

extension ApplicationScript {
  /// How often a session of a talk speaks, and for how long; the service may answer in between.
  static let talkPeriod = Duration.seconds(8)
  static let talkFrames = 100

  /// The script of one of many sessions that talk in real time: two seconds of speech in every
  /// eight, from a place of the recording that is its own, and a text turn in between every sixteen,
  /// of which every fourth calls a tool.
  init(talk session: Int, length: Duration, recording: Recording?, random: inout SplitMix64) {
    let phase = random.unit()
    let usable = length - .seconds(1)
    let periods = max(1, Int((usable / Self.talkPeriod).rounded(.down)))
    for period in 0..<periods {
      let at = Self.talkPeriod * (Double(period) + 0.75 + 0.2 * phase)
      guard (period + session).isMultiple(of: 2), at < usable else { continue }
      let isCall = (period / 2 + session / 2) % 4 == 3
      steps.append((at, .text(isCall ? "please use the tool \(period)" : "period \(period)")))
    }
    if let recording {
      addSpeech(
        recording, every: Self.talkPeriod, count: periods, &random, frames: Self.talkFrames)
    }
    steps.sort { $0.at < $1.at }
  }

  /// The script of one session that speaks a recording: once, or round and round for a time.
  init(speaking recording: Recording, for length: Duration?) {
    let frame = Duration.milliseconds(20)
    let frames = length.map { max(1, Int($0 / frame)) } ?? recording.frameCount
    steps = [(.zero, .speech(position: 0, frames: frames))]
  }
}
