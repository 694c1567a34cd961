# Jobs of Sidekiq for the tests beside it: `ruby jobs.rb send FILE` enqueues what the file says, one job a line;
# `sidekiq -r ./jobs.rb` works. What runs says so on its standard output.
require 'sidekiq'
require 'json'

Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch('REDIS') } }
Sidekiq.configure_server { |config| config.redis = { url: ENV.fetch('REDIS') } }
$stdout.sync = true

# Gives what it got to our side, under the same class with another name.
class TheirEcho
  include Sidekiq::Worker
  def perform(*args)
    Sidekiq::Client.push('class' => 'ours.echoed', 'queue' => ENV.fetch('OURS'), 'args' => args)
  end
end

class TheirFailure
  include Sidekiq::Worker
  sidekiq_options retry: 3
  def perform(*)
    raise ArgumentError, 'it fails there'
  end
end

class OnlyTheirs
  include Sidekiq::Worker
  def perform(*)
    puts 'only theirs ran'
  end
end

class SharedJob
  include Sidekiq::Worker
  def perform(number)
    puts "#{number} ran"
  end
end

if ARGV.first == 'send'
  File.foreach(ARGV.fetch(1)) do |line|
    job = JSON.parse(line)
    Sidekiq::Client.push(job)
  end
end

if ARGV.first == 'api'
  require 'sidekiq/api'
  puts JSON.generate(
    processes: Sidekiq::ProcessSet.new(false).map { |process| { queues: process['queues'], concurrency: process['concurrency'], pid: process['pid'], tag: process.tag } },
    work: Sidekiq::Workers.new.map { |_, _, work| { queue: work['queue'], class: Sidekiq::JobRecord.new(work['payload']).klass } },
    retries: Sidekiq::RetrySet.new.map { |job| { class: job.klass, args: job.args, jid: job.jid, queue: job.queue, at: job.at.to_f, error: job['error_message'], error_class: job['error_class'], count: job['retry_count'] } },
    scheduled: Sidekiq::ScheduledSet.new.map { |job| { class: job.klass, args: job.args, jid: job.jid, queue: job.queue, at: job.at.to_f } },
    dead: Sidekiq::DeadSet.new.map { |job| { class: job.klass, args: job.args, jid: job.jid, queue: job.queue, error: job['error_message'], error_class: job['error_class'], count: job['retry_count'] } },
    queues: Sidekiq::Queue.all.map { |queue| [queue.name, queue.size] }.to_h,
    processed: Sidekiq::Stats.new.processed, failed: Sidekiq::Stats.new.failed,
  )
end

if ARGV.first == 'revive'
  require 'sidekiq/api'
  puts Sidekiq::DeadSet.new.map(&:retry).size
end

if ARGV.first == 'web'
  require 'sidekiq/web'
  require 'rack/mock'
  pages = %w[/ /busy /queues /retries /scheduled /morgue].map do |path|
    answer = Rack::MockRequest.new(Sidekiq::Web).get(path, 'rack.session' => {})
    [path, { status: answer.status, body: answer.body.force_encoding('UTF-8') }]
  end
  puts JSON.generate(pages.to_h)
end
